"""Pillow's own test images, from its source distribution on PyPI: `images_of_pillow()`."""

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from tests.support.machine import PROJECT, missing

VERSION: Final = version("pillow")
FOLDER: Final = PROJECT / "build" / "pillow" / VERSION
_SECONDS: Final = 120  # to download 46 MB


def images_of_pillow() -> list[Path]:
    """All files of Pillow's Tests/images; the test is skipped where they cannot be had.

    Downloads the source distribution once, with pip, unless NO_DOWNLOADS is set.
    """
    folder = FOLDER / "images"
    if not folder.exists():
        _unpack(_source_distribution(), folder)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _source_distribution() -> Path:
    found = list(FOLDER.glob("*.tar.gz"))
    if found:
        return found[0]
    if os.environ.get("NO_DOWNLOADS"):
        pytest.skip(f"{FOLDER} has no source distribution of Pillow, and NO_DOWNLOADS is set")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    try:
        subprocess.run(
            [*command, "--dest", str(FOLDER), f"pillow=={VERSION}"], check=True, capture_output=True, timeout=_SECONDS
        )
        return next(FOLDER.glob("*.tar.gz"))
    except (subprocess.SubprocessError, StopIteration):
        missing(f"Pillow's source distribution cannot be had from PyPI within {_SECONDS} seconds")


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the images only, and give the folder its name when all are there."""
    partial = folder.with_name("partial")
    with tarfile.open(archive) as file:
        for member in file:
            _, _, name = member.name.partition("/Tests/images/")
            content = file.extractfile(member) if name and member.isfile() else None
            if content:
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
    partial.rename(folder)
