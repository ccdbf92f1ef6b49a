"""Errors of the command that concern all files."""


class Unusable(OSError):
    """No file can be classified, so that the command stops: the endpoint is down, or is another service."""
