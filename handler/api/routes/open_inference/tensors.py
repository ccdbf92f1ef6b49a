"""The tensors of the Open Inference Protocol: what goes in, what comes out, and how JSON has them.

    name            datatype   shape             what it is
    images          UINT8      [N, 1, 28, 28]    pixels as the model takes them: 0 black ground, 255 white garment
    encoded         BYTES      [N] or [N, 1]     picture files; base64 in JSON
    probabilities   FP32       [N, 10]
    known           FP32       [N]               how surely each shows any of the classes

In JSON a tensor's data are nested as its shape says, or flat, row by row.
"""

import math
import reprlib
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from handler.api.requests.base64_images import from_base64
from handler.contract import IMAGE_SIDE, Pixels
from handler.errors import BadRequest, MissingImage, TooManyImages

MAX_VALUES_PER_IMAGE: Final = (IMAGE_SIDE + 1) ** 2  # the numbers, and the brackets around them


@dataclass(frozen=True)
class Tensor:
    """What is promised of an input or output; -1 in its shape stands for the number of images."""

    name: str
    datatype: str
    shape: tuple[int, ...]


IMAGES: Final = Tensor("images", "UINT8", (-1, 1, IMAGE_SIDE, IMAGE_SIDE))
ENCODED: Final = Tensor("encoded", "BYTES", (-1,))
INPUTS: Final = (IMAGES, ENCODED)

PROBABILITIES: Final = Tensor("probabilities", "FP32", (-1, 10))
KNOWN: Final = Tensor("known", "FP32", (-1,))
OUTPUTS: Final = (PROBABILITIES, KNOWN)


def whole_number(value: Any) -> int | None:
    """`value` as JSON's whole numbers are: 3 and 3.0 are the same, true is none."""
    is_whole = type(value) is int or (type(value) is float and value.is_integer())
    return int(value) if is_whole else None


def checked_shape(tensor: Tensor, shape: list[Any], max_images: int) -> tuple[int, ...]:
    """`shape` as an input `tensor` may have it, with 1 to `max_images` images. Raises BadRequest."""
    count, *given = map(whole_number, shape) if shape else (None,)
    allowed = (tensor.shape[1:], (1,)) if tensor is ENCODED else (tensor.shape[1:],)
    others = next((others for others in allowed if [*others] == given), None)
    if count is None or count < 0 or others is None:
        raise BadRequest(f"the shape of {tensor.name!r} should be {_told(tensor)}, but is {reprlib.repr(shape)}")
    if count == 0:
        raise MissingImage(f"{tensor.name!r} has no images")
    if count > max_images:
        raise TooManyImages(f"{tensor.name!r} has more than the {max_images} images that are classified at once")
    return (count, *others)


def pixels_of_json(values: list[Any], shape: tuple[int, ...], name: str = IMAGES.name) -> Pixels:
    """Whole numbers from 0 to 255, flat or nested, as pixels of `shape`. Raises BadRequest."""
    given = flattened(values, shape, name)
    numbers = [whole_number(value) for value in given]
    for number, value in zip(numbers, given, strict=True):
        if number is None or not 0 <= number <= 255:
            raise BadRequest(f"{name!r} should have whole numbers from 0 to 255, but has {reprlib.repr(value)}")
    return np.array(numbers, np.uint8).reshape(shape)


def encoded_of_json(values: list[Any], shape: tuple[int, ...]) -> tuple[bytes, ...]:
    """Base64 texts, flat or nested, as the picture files that they stand for. Raises BadRequest."""
    return tuple(_from_base64(text, f"encoded[{i}]") for i, text in enumerate(flattened(values, shape, ENCODED.name)))


def flattened(values: list[Any], shape: tuple[int, ...], name: str) -> list[Any]:
    """The elements of a tensor of `shape`, row by row. Raises BadRequest if `values` are not of that shape."""
    nested = any(isinstance(value, list) for value in values)
    elements = _unnested(values, shape) if nested else values
    if len(elements) != math.prod(shape):
        raise BadRequest(f"the data of {name!r} should have the shape {list(shape)}, flat or nested, but have not")
    return elements


def _unnested(rows: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Empty where `rows` are not nested as `shape` says."""
    for length in shape[1:]:
        if any(type(row) is not list or len(row) != length for row in rows):
            return []
        rows = list(chain.from_iterable(rows))
    return rows


def _from_base64(text: Any, name: str) -> bytes:
    if type(text) is not str:
        raise BadRequest(f"{name!r} should be a base64 text, but is {reprlib.repr(text)}")
    return from_base64(text, name)


def _told(tensor: Tensor) -> str:
    shape = f"[{', '.join(['N', *map(str, tensor.shape[1:])])}]"
    return f"{shape} or [N, 1]" if tensor is ENCODED else shape
