"""Cold start, warm-up and SnapStart."""
