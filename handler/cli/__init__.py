"""The parts of `python -m handler classify`: paths in, a line for each file out."""
