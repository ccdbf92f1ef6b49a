"""Errors of the command that concern all files."""


class Unusable(OSError):
    """No file can be classified, so that the command stops: the endpoint is down, or is another service."""


class CannotWrite(Exception):
    """The standard output takes no more, such as a file on a full disk; ``str(error)`` says why."""
