"""An emulated AWS on this machine."""
