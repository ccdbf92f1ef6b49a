"""The command `classify`: find the image files, classify them in threads, print a line for each."""
