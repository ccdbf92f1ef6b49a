"""The paths of a command line in, the files that they stand for out, and the bytes of each."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from handler.errors import TooManyBytes

STANDARD_INPUT: Final = "-"
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")


@dataclass(frozen=True)
class Source:
    """A file to classify, or what is already known to be wrong with this path."""

    path: str
    problem: str | None = None


def sources_of(paths: Iterable[str]) -> list[Source]:
    """Each path as it was given, but in place of a folder the picture files in it and below it, in order."""
    return [source for path in paths for source in (_in_folder(path) if _is_folder(path) else [Source(path)])]


def content_of(path: str, max_bytes: int) -> bytes:
    """The bytes of a file or of standard input. Raises OSError, or TooManyBytes without reading all of it."""
    with _opened(path) as file:
        # A pipe and a device tell no size, so that what is read is bounded, too.
        too_large = os.fstat(file.fileno()).st_size > max_bytes
        data = b"" if too_large else file.read(max_bytes + 1)
    if too_large or len(data) > max_bytes:
        raise TooManyBytes(f"the file is larger than {max_bytes:,} bytes, the most that is accepted here")
    return data


def _is_folder(path: str) -> bool:
    try:
        return bool(path) and path != STANDARD_INPUT and Path(path).is_dir()
    except OSError:  # opening it will say the same, in its turn
        return False


def _in_folder(folder: str) -> list[Source]:
    unreadable: list[OSError] = []
    pictures: list[str] = []
    # Links to folders are not followed, and so no loop of them is.
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        pictures += (str(Path(parent, name)) for name in files if _is_picture(Path(parent, name)))
    found = [Source(str(error.filename), error.strerror) for error in unreadable]
    found += [Source(path) for path in sorted(pictures)]
    return found or [Source(folder, f"the folder has no picture files ({', '.join(SUFFIXES)})")]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _opened(path: str) -> BinaryIO:
    return open(0, "rb", closefd=False) if path == STANDARD_INPUT else Path(path).open("rb")
