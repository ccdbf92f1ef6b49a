"""Find the image files that the command's arguments name, and read them."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from handler.errors import NotAnImage, TooManyBytes

STANDARD_INPUT: Final = "-"
SUFFIXES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp"),
    *(".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"),
)
_LINK: Final = "link to a folder"
_MAX_SUFFIX: Final = 8  # characters; a longer one is part of a name


@dataclass(frozen=True)
class Input:
    """A file to classify, or a path with the error that was found while listing it."""

    path: str
    error: str | None = None


@dataclass
class Found:
    """The files to classify, and how many others their folders have, by suffix; hidden files are not counted."""

    inputs: list[Input] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def find_inputs(paths: Iterable[str]) -> Found:
    """List the files to classify: each path itself, or the image files in and below it, sorted, if it is a folder."""
    found = Found()
    for path in paths:
        if _is_folder(path):
            found.inputs += _in_folder(path, found.skipped)
        else:
            found.inputs.append(Input(path))
    return found


def read_input(path: str, max_bytes: int) -> bytes:
    """Read a file or standard input. Raises OSError, NotAnImage, or TooManyBytes before reading that many."""
    with _open(path) as file:
        # A pipe or a device has no size, so the read is limited, too.
        too_large = os.fstat(file.fileno()).st_size > max_bytes
        data = b"" if too_large else file.read(max_bytes + 1)
    if too_large or len(data) > max_bytes:
        raise TooManyBytes(f"the file is larger than {max_bytes:,} bytes, the maximum here")
    if not data:
        raise NotAnImage("standard input is empty" if path == STANDARD_INPUT else "the file is empty")
    return data


def _is_folder(path: str) -> bool:
    try:
        return bool(path) and path != STANDARD_INPUT and Path(path).is_dir()
    except OSError:  # opening it will fail with the same error, which is reported then
        return False


def _in_folder(folder: str, skipped: Counter[str]) -> list[Input]:
    unreadable: list[OSError] = []
    found: list[Input] = []
    # os.walk does not follow links to folders, so a loop of links ends.
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        skipped[_LINK] += sum(_is_link(Path(parent, name)) for name in folders)
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            image = _image(path)
            if image:
                found.append(image)
            else:
                skipped[_kind(path)] += 1
    skipped += Counter()  # without those that are 0
    found.sort(key=lambda file: file.path)
    found = [Input(str(error.filename), error.strerror) for error in unreadable] + found
    return found or [Input(folder, f"the folder has no image files ({', '.join(SUFFIXES)})")]


def _image(path: Path) -> Input | None:
    """None if its name is no image's, or if it is a pipe or a device, which might be endless."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        return Input(str(path)) if stat.S_ISREG(path.stat().st_mode) else None
    except OSError as error:
        reason = f"broken link: {error.strerror}" if path.is_symlink() else error.strerror
        return Input(str(path), reason)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # such as a path that is too long: listing it will fail, which is reported
        return False


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return "pipe or device"
    return suffix if 1 < len(suffix) <= _MAX_SUFFIX else "without suffix"


def _open(path: str) -> BinaryIO:
    return open(0, "rb", closefd=False) if path == STANDARD_INPUT else Path(path).open("rb")
