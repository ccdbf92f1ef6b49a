"""Evaluation on photos: of what ships, by the code that ships."""
