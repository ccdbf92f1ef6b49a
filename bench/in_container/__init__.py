"""Scripts that run in the container, with the packages of what they measure; each answers a line with JSON."""
