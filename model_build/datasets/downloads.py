"""Errors of downloads: what could not be had, why, and that DATASETS_DIR can name a folder that has it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from zipfile import BadZipFile

from model_build.checks import DatasetUnavailable


@contextmanager
def downloading(folder: str, source: str) -> Iterator[None]:
    """Turn the errors of a download into DatasetUnavailable; `folder` is where DATASETS_DIR would have the data."""
    try:
        yield
    except (OSError, RuntimeError, BadZipFile) as error:  # torchvision raises RuntimeError for wrong files
        given = os.environ.get("DATASETS_DIR")
        lacking = f"DATASETS_DIR={given} does not have it" if given else "DATASETS_DIR is not set"
        raise DatasetUnavailable(
            f"{folder} could not be downloaded from {source}, and {lacking}: "
            f"set DATASETS_DIR to a folder with {folder}, or try again ({' '.join(str(error).split())})"
        ) from error
