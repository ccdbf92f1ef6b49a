"""Checks of arrays and dataset files, with errors that name what was given and what is expected."""

from typing import Any, Final, Protocol

from handler.contract import IMAGE_SIDE

_DARK_BELOW: Final = 128  # grey levels; the mean of the corners of many images on black background is far below it


class WrongArray(ValueError):
    """An array has another shape, type or polarity than expected."""


class ChecksumError(Exception):
    """A dataset's file is missing, or has another checksum than expected."""


class DatasetUnavailable(Exception):
    """A dataset is not here, and cannot be downloaded; the message names DATASETS_DIR, which can have it."""


class WrongFolder(ValueError):
    """A folder of images is named by no class."""


class Array(Protocol):
    """What NumPy's arrays and PyTorch's tensors have in common."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, index: Any, /) -> Any: ...


def check_array(name: str, array: Array, dtype: str, shape: tuple[int | str, ...]) -> None:
    """Raise WrongArray unless `array` has `dtype` and `shape`, in which a word such as "N" stands for any number."""
    found = f"{_type_of(array)} of shape {_written(tuple(array.shape))}"
    fits = len(array.shape) == len(shape) and all(
        isinstance(expected, str) or side == expected for side, expected in zip(array.shape, shape, strict=True)
    )
    if not fits or _type_of(array) != dtype:
        raise WrongArray(f"{name}: expected {dtype} of shape {_written(shape)}, but got {found}")


def check_images(name: str, images: Array) -> None:
    """Raise WrongArray unless `images` are uint8 (N, 28, 28): bright objects on black background, as in the datasets.

    The background is judged by the corners of all images together, since a single object may reach into a corner.
    """
    check_array(name, images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
    if not images.shape[0]:
        return
    last = IMAGE_SIDE - 1
    corners = float(sum(int(images[:, row, column].sum()) for row in (0, last) for column in (0, last)))
    mean = corners / (4 * images.shape[0])
    if mean >= _DARK_BELOW:
        raise WrongArray(
            f"{name}: expected bright objects on black background (0), but the corners have a mean of {mean:.0f}: "
            "negate the images, 255 - images"
        )


def _type_of(array: Array) -> str:
    return str(array.dtype).removeprefix("torch.")


def _written(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
