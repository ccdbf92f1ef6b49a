"""Measured cost and capacity of the worker."""
