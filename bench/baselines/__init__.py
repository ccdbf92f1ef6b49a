"""Functions for Lambda as short as in tutorials, for comparison; each has its own package."""
