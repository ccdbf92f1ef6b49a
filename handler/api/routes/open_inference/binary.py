"""Binary tensor data extension of the Open Inference Protocol: tensors as bytes after the JSON.

    Inference-Header-Content-Length: 120                  length of the JSON
    {"inputs": [{..., "parameters": {"binary_data_size": 784}}]}<784 bytes>

Numbers are little-endian in row-major order; each element of a BYTES tensor follows its length, four bytes.
Source: Triton's docs/protocol/extension_binary_data.md.
"""

import math
import reprlib
from collections.abc import Iterable
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.api.routes.open_inference.tensors import ENCODED, Tensor
from handler.bounded_int import bounded_int
from handler.errors import BadRequest

LENGTH_HEADER: Final = "Inference-Header-Content-Length"

_PREFIX: Final = 4  # bytes, before each element of a BYTES tensor


def split_body(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """The JSON and what follows it; `json_length` is the request's LENGTH_HEADER. Raises BadRequest."""
    if json_length is None:
        return body, b""
    length = bounded_int(json_length, 0, len(body))
    if length is None:
        raise BadRequest(
            f"{LENGTH_HEADER} should be at most the body's length, {len(body)}, but is {reprlib.repr(json_length)}"
        )
    return body[:length], body[length:]


def pixels_of_binary(data: bytes, shape: tuple[int, ...], tensor: Tensor) -> NDArray[np.uint8]:
    """Pixels of one byte each. Raises BadRequest."""
    pixels = np.frombuffer(data, np.uint8)
    if pixels.size != math.prod(shape):
        raise BadRequest(f"{tensor.name!r} of shape {list(shape)} takes {math.prod(shape)} bytes, but has {len(data)}")
    return pixels.reshape(shape)


def files_of_binary(data: bytes, shape: tuple[int, ...], tensor: Tensor) -> tuple[bytes, ...]:
    """Whole images (N, H, W, 3) as image files, which take the same way as any other. Raises BadRequest."""
    return tuple(_as_file(Image.fromarray(image)) for image in pixels_of_binary(data, shape, tensor))


def _as_file(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "BMP")  # neither compressed nor lossy
    return file.getvalue()


def encoded_of_binary(data: bytes, shape: tuple[int, ...]) -> tuple[bytes, ...]:
    """The elements of a BYTES tensor, which fill `data` exactly. Raises BadRequest."""
    elements, start = [], 0
    for _ in range(shape[0]):
        length = int.from_bytes(data[start : start + _PREFIX], "little")
        elements.append(data[start + _PREFIX : start + _PREFIX + length])
        start += _PREFIX + length
    if start != len(data):
        raise BadRequest(f"the lengths of the elements of {ENCODED.name!r} do not add up to its {len(data)} bytes")
    return tuple(elements)


def packed(texts: Iterable[str]) -> bytes:
    """Encode `texts` as a BYTES tensor."""
    elements = [text.encode() for text in texts]
    return b"".join(len(element).to_bytes(_PREFIX, "little") + element for element in elements)
