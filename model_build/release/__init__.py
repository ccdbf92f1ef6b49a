"""From trained weights to the published int8 file."""
