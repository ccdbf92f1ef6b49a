"""Image headers: agreement with Pillow, bounds on cost, hostile files."""
