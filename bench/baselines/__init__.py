"""Baseline implementations of the same network on Lambda, as short as in tutorials; each has its own package."""
