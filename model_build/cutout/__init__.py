"""The learned cut-out: a small network that finds the main garment in a photo, and the pictures it learns from."""
