"""Cost and capacity of the worker, measured, and written to CAPACITY.md."""
