"""Silence libtiff, which prints what is wrong with a file on the process's stderr, and so into its log."""

import ctypes
from contextlib import suppress
from functools import cache

from PIL import _imaging


@cache
def silence_libtiff() -> None:
    """Stop libtiff's printing for the whole process; Pillow raises its errors all the same.

    Pillow switches off libtiff's warnings, but has no switch for its errors. So the C function is called in the library
    that Pillow has loaded. Where that is linked into Pillow, as on Windows, nothing happens.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
