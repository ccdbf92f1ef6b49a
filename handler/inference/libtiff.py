"""Refuse TIFF images of which libtiff reports damage: it decodes many of them to the end without an error.

Among them are YCbCr, JPEG and fax. Its reports go to functions that are set for the whole process. By default, they are
printed on stderr, and so into the log. Pillow sets none for errors, and switches off warnings before each image.
"""

import ctypes
import re
import threading
from contextlib import suppress
from functools import cache
from typing import Final

from PIL import Image, _imaging

# Of warnings. Others are about tags and about habits of encoders.
_DAMAGE: Final = re.compile(b"Corrupt JPEG data|Premature end of JPEG file|Line length mismatch|Premature EO[LF]")
_LONGEST_MESSAGE: Final = 100  # bytes; the rest is cut off

_OnReport: Final = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)  # module, format, va_list
_OnOpen: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Reports(threading.local):
    damage = False  # whether there was any, in this thread


_reports: Final = _Reports()


def load_undamaged(image: Image.Image) -> None:
    """Load the pixels of an opened TIFF. Raises OSError if they are damaged, and whatever Pillow raises."""
    _listen()
    _reports.damage = False
    image.load()
    if _reports.damage:
        raise OSError("libtiff reports damage")


@cache
def _library() -> ctypes.CDLL:
    """Pillow's own library, through which the libtiff that it has loaded is found."""
    return ctypes.CDLL(_imaging.__file__)


@cache
def _listen() -> None:
    """Let libtiff call the functions below; where it is linked into Pillow, as on Windows, nothing happens."""
    with suppress(AttributeError, OSError):
        _library().TIFFSetErrorHandler(_on_error)
        _library().TIFFSetTagExtender(_on_open)


@_OnOpen  # type: ignore[untyped-decorator]
def _on_open(_file: int | None) -> None:
    """Switch warnings on again: a file is opened just after Pillow has switched them off."""
    _library().TIFFSetWarningHandler(_on_warning)


@_OnReport  # type: ignore[untyped-decorator]
def _on_error(_module: bytes | None, _format: int | None, _values: int | None) -> None:
    _reports.damage = True


@_OnReport  # type: ignore[untyped-decorator]
def _on_warning(_module: bytes | None, form: int | None, values: int | None) -> None:
    if not _reports.damage:
        message = ctypes.create_string_buffer(_LONGEST_MESSAGE)
        arguments = ctypes.c_size_t(_LONGEST_MESSAGE), ctypes.c_void_p(form), ctypes.c_void_p(values)
        ctypes.pythonapi.PyOS_vsnprintf(message, *arguments)
        _reports.damage = _DAMAGE.match(message.value) is not None
