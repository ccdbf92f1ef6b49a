"""Parse JSON bodies with limits, and read whole numbers and pixels from their values."""

import json
import math
import re
import reprlib
from contextlib import suppress
from itertools import chain
from typing import Any, Final

import numpy as np

from handler.contract import InputFormat, Pixels
from handler.errors import BadRequest, MissingImage

MAX_VALUES: Final = 10_000  # a parsed value takes up to fifty times its bytes: "[]," becomes 135
_MAX_VALUES_OF_IMAGES: Final = 250_000  # unless one image alone has more; the rest is to be sent as files or as bytes
_VALUES_BESIDE_IMAGES: Final = 1_000
_MAX_DIGITS: Final = 100  # of a whole number; reading one takes time quadratic in its digits
_DIGITS_AS_ZEROS: Final = bytes(ord("0") if i in b"0123456789" else 0 for i in range(256))
_MANY_DIGITS: Final = b"0" * _MAX_DIGITS  # a sign may be before them

_JSON_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+[{\[]")


def looks_like_json(body: bytes) -> bool:
    """Whether `body` begins like a JSON object or array; no image format does."""
    return bool(_JSON_START.match(body))


def max_values(images: int, form: InputFormat) -> int:
    """Enough for about so many images as numbers, with the brackets around them, and for what is beside them."""
    of_one = (form.side + 1) ** 2 * (1 if form.channels == 1 else form.channels + 1)
    return min(images * of_one, max(of_one, _MAX_VALUES_OF_IMAGES)) + _VALUES_BESIDE_IMAGES


def parse_json(body: bytes, max_values: int = MAX_VALUES) -> Any:
    """Parse `body` as JSON of at most about `max_values` values. Raises BadRequest."""
    if not body.strip():
        raise MissingImage("the body is empty, but should be JSON")
    if sum(map(body.count, (b",", b"[", b"{"))) > max_values:
        raise BadRequest(f"the JSON has more than {max_values:,} values, the maximum")
    # A function for each number takes four times as long as all the rest.
    has_long_number = _MANY_DIGITS in body.translate(_DIGITS_AS_ZEROS)
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=_int if has_long_number else None)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not valid JSON{_place(error)}") from error


def _int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError
    return int(text)


def _place(error: ValueError | RecursionError) -> str:
    match error:
        case json.JSONDecodeError():
            return f": wrong from line {error.lineno}, column {error.colno} on"
        case UnicodeDecodeError():
            return f": byte {error.start} is not UTF-8"
        case RecursionError():
            return ": it is nested too deeply"
        case _:
            return ": a number has too many digits"


def whole_number(value: Any) -> int | None:
    """`value` as a JSON whole number: 3 and 3.0 are the same, true is none."""
    is_whole = type(value) is int or (type(value) is float and value.is_integer())
    return int(value) if is_whole else None


def pixels_of_json(values: list[Any], shape: tuple[int, ...], name: str) -> Pixels:
    """Whole numbers from 0 to 255, flat or nested, as pixels of `shape`. Raises BadRequest, which calls them `name`."""
    given = flattened(values, shape, name)
    if set(map(type, given)) == {int}:  # as nearly always; the rest takes ten times as long
        with suppress(ValueError):
            return np.array(bytearray(given)).reshape(shape)
    numbers = [whole_number(value) for value in given]
    for number, value in zip(numbers, given, strict=True):
        if number is None or not 0 <= number <= 255:
            raise BadRequest(f"{name!r} should have whole numbers from 0 to 255, but has {reprlib.repr(value)}")
    return np.array(numbers, np.uint8).reshape(shape)


def flattened(values: list[Any], shape: tuple[int, ...], name: str) -> list[Any]:
    """The elements of a tensor of `shape`, row by row. Raises BadRequest if `values` do not have that shape."""
    nested = list in set(map(type, values))
    elements = _unnested(values, shape) if nested else values
    if elements is None:
        raise BadRequest(f"{name!r}: the nested data does not have the shape {list(shape)}")
    if len(elements) != math.prod(shape):
        raise BadRequest(
            f"{name!r}: expected {math.prod(shape):,} values for shape {list(shape)}, got {len(elements):,}"
        )
    return elements


def _unnested(rows: list[Any], shape: tuple[int, ...]) -> list[Any] | None:
    """None if `rows` are not nested as `shape` says."""
    for length in shape[1:]:
        if any(type(row) is not list or len(row) != length for row in rows):
            return None
        rows = list(chain.from_iterable(rows))
    return rows
