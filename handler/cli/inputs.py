"""Find the image files that the command's arguments name, and read them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from handler.errors import TooManyBytes

STANDARD_INPUT: Final = "-"
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")


@dataclass(frozen=True)
class Input:
    """A file to classify, or a path with the error that was found while listing it."""

    path: str
    error: str | None = None


def find_inputs(paths: Iterable[str]) -> list[Input]:
    """List the files to classify: each path itself, or the image files in and below it, sorted, if it is a folder."""
    return [found for path in paths for found in (_in_folder(path) if _is_folder(path) else [Input(path)])]


def read_input(path: str, max_bytes: int) -> bytes:
    """Read a file or standard input. Raises OSError, or TooManyBytes before reading more than `max_bytes`."""
    with _open(path) as file:
        # A pipe or a device has no size, so the read is limited, too.
        too_large = os.fstat(file.fileno()).st_size > max_bytes
        data = b"" if too_large else file.read(max_bytes + 1)
    if too_large or len(data) > max_bytes:
        raise TooManyBytes(f"the file is larger than {max_bytes:,} bytes, the maximum here")
    return data


def _is_folder(path: str) -> bool:
    try:
        return bool(path) and path != STANDARD_INPUT and Path(path).is_dir()
    except OSError:  # opening it will fail with the same error, which is reported then
        return False


def _in_folder(folder: str) -> list[Input]:
    unreadable: list[OSError] = []
    images: list[str] = []
    # os.walk does not follow links to folders, so a loop of links ends.
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        images += (str(Path(parent, name)) for name in files if _is_image(Path(parent, name)))
    found = [Input(str(error.filename), error.strerror) for error in unreadable]
    found += [Input(path) for path in sorted(images)]
    return found or [Input(folder, f"the folder has no image files ({', '.join(SUFFIXES)})")]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _open(path: str) -> BinaryIO:
    return open(0, "rb", closefd=False) if path == STANDARD_INPUT else Path(path).open("rb")
