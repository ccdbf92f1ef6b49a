"""Tensors in JSON and binary form: values, shapes and lengths are checked before they are used."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tritonclient.utils import (  # type: ignore[import-untyped]  # it ships no annotations
    deserialize_bytes_tensor,
    serialize_byte_tensor,
)

from handler.api.requests.json_values import parse_json, pixels_of_json, whole_number
from handler.api.routes.open_inference.binary import encoded_of_binary, packed, pixels_of_binary, split_body
from handler.api.routes.open_inference.tensors import ENCODED, Tensors, checked_shape, encoded_of_json
from handler.content_encoding import decompressed
from handler.contract import InputFormat
from handler.errors import BadRequest, ClassifierError, TooManyBytes, TooManyImages

PIXELS = np.random.default_rng(5).integers(0, 256, (3, 1, 28, 28)).astype(np.uint8)
TENSORS = Tensors.of(InputFormat(side=28, channels=1, preprocessing="cut-out"), classes=10)
NESTINGS: dict[str, Any] = {
    "nested": PIXELS.tolist(),
    "flat": PIXELS.ravel().tolist(),
    "3.0 for 3": PIXELS.astype(float).tolist(),
}


@pytest.mark.parametrize("values", NESTINGS.values(), ids=NESTINGS)
def test_pixels_in_json_are_read_row_by_row(values: list[Any]) -> None:
    assert np.array_equal(pixels_of_json(json.loads(json.dumps(values)), PIXELS.shape, "images"), PIXELS)


def test_pixels_in_bytes_are_read_row_by_row() -> None:
    assert np.array_equal(pixels_of_binary(PIXELS.tobytes(), PIXELS.shape, TENSORS.images), PIXELS)


def image(value: Any = 0, rows: int = 28) -> list[Any]:
    return [[[[value] * 28] * rows]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param([0] * 783, "shape [1, 1, 28, 28]", id="one too few"),
        pytest.param([0] * 785, "shape [1, 1, 28, 28]", id="one too many"),
        pytest.param([], "shape [1, 1, 28, 28]", id="none"),
        pytest.param([[0] * 784], "shape [1, 1, 28, 28]", id="partly nested"),
        pytest.param(image(rows=27), "shape [1, 1, 28, 28]", id="a row is missing"),
        pytest.param([0, *image()], "shape [1, 1, 28, 28]", id="nested and flat"),
        pytest.param([[[[0] * 28] * 27 + [[0] * 27]]], "shape [1, 1, 28, 28]", id="ragged"),
        pytest.param([[[[0] * 28] * 26 + [[0] * 27, [0] * 29]]], "shape [1, 1, 28, 28]", id="ragged, 784 in total"),
        pytest.param([[[[[0] * 28] * 28]]], "shape [1, 1, 28, 28]", id="nested too deep"),
        pytest.param([*[0] * 783, []], "shape [1, 1, 28, 28]", id="a list for a number"),
        pytest.param(image(1.5), "whole numbers from 0 to 255, but has 1.5", id="fraction"),
        pytest.param(image(-1), "whole numbers from 0 to 255, but has -1", id="negative"),
        pytest.param(image(256), "whole numbers from 0 to 255, but has 256", id="256"),
        pytest.param(image(10**400), "whole numbers from 0 to 255, but has 1000", id="huge"),
        pytest.param(image(float("nan")), "whole numbers from 0 to 255, but has nan", id="NaN"),
        pytest.param(image(float("inf")), "whole numbers from 0 to 255, but has inf", id="Infinity"),
        pytest.param(image(True), "whole numbers from 0 to 255, but has True", id="true"),
        pytest.param(image(None), "whole numbers from 0 to 255, but has None", id="null"),
        pytest.param(image("7"), "whole numbers from 0 to 255, but has '7'", id="string"),
        pytest.param(image({}), "whole numbers from 0 to 255, but has {}", id="object"),
    ],
)
def test_invalid_pixels_raise_bad_request(values: list[Any], message: str) -> None:
    with pytest.raises(BadRequest) as error:
        pixels_of_json(values, (1, 1, 28, 28), "images")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [([2], (2,)), ([2, 1], (2, 1)), ([2.0], (2,))],
    ids=["[N]", "[N, 1]", "2.0 for 2"],
)
def test_shape_of_files_has_one_or_two_dimensions(shape: list[Any], expected: tuple[int, ...]) -> None:
    assert checked_shape(ENCODED, shape, 64) == expected


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        pytest.param(["aGk=", "eW91"], (2,), id="[N]"),
        pytest.param([["aGk="], ["data:text/plain;base64,eW91"]], (2, 1), id="[N, 1]"),
        pytest.param(["aGk=", "eW91"], (2, 1), id="[N, 1], flat"),
    ],
)
def test_files_in_json_are_decoded_from_base64(values: list[Any], shape: tuple[int, ...]) -> None:
    assert encoded_of_json(values, shape) == (b"hi", b"you")


WRONG_SHAPES: dict[str, list[Any]] = {
    "empty": [],
    "without the channel": [1, 28, 28],
    "channels last": [1, 28, 28, 1],
    "other side": [1, 1, 28, 29],
    "negative": [-1, 1, 28, 28],
    "2 ** 63": [2**63, 1, 2**63, 28],
    "text": ["1", 1, 28, 28],
    "fraction": [1.5, 1, 28, 28],
    "true": [True, 1, 28, 28],
    "null": [None, 1, 28, 28],
    "nested": [[1], 1, 28, 28],
    "object": [{}, 1, 28, 28],
}


@pytest.mark.parametrize("shape", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_invalid_shape_raises_bad_request(shape: list[Any]) -> None:
    with pytest.raises(BadRequest, match=r"the shape of 'images' should be \[N, 1, 28, 28\], but is"):
        checked_shape(TENSORS.images, shape, 64)


@pytest.mark.parametrize("shape", [[65], [2**63], [2**63, 1], [1e300]], ids=str)
def test_more_than_64_images_raise_too_many_images(shape: list[Any]) -> None:
    with pytest.raises(TooManyImages, match="more than the maximum of 64 images"):
        checked_shape(ENCODED, shape, 64)


def test_bytes_elements_are_those_of_tritonclient() -> None:
    elements = [b"", b"a", bytes(300), b"\xff\xfe"]
    data: bytes = serialize_byte_tensor(np.array(elements, object)).item()
    assert encoded_of_binary(data, (4,)) == tuple(elements)
    texts = ["0.5:1:Trouser", "裤子"]
    assert deserialize_bytes_tensor(packed(texts)).tolist() == [text.encode() for text in texts]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01\0\0", id="half a length"),
        pytest.param(b"\x05\0\0\0abc", id="longer than the data"),
        pytest.param(b"\x01\0\0\0abc", id="shorter than the data"),
        pytest.param(b"\xff\xff\xff\xffabc", id="2 ** 32 - 1"),
        pytest.param(b"\0\0\0\x80abc", id="2 ** 31"),
        pytest.param(b"\x01\0\0\0a\x01\0\0\0b", id="one element too many"),
    ],
)
def test_wrong_length_of_an_element_raises_bad_request(data: bytes) -> None:
    with pytest.raises(BadRequest, match=f"do not add up to its {len(data)} bytes"):
        encoded_of_binary(data, (1,))


@pytest.mark.parametrize("size", [0, 1, 783, 785, 784 * 2])
def test_wrong_number_of_pixel_bytes_raises_bad_request(size: int) -> None:
    with pytest.raises(BadRequest, match=rf"of shape \[1, 1, 28, 28\] takes 784 bytes, but has {size}"):
        pixels_of_binary(bytes(size), (1, 1, 28, 28), TENSORS.images)


@pytest.mark.parametrize(
    ("length", "parts"),
    [(None, (b"{}abc", b"")), ("2", (b"{}", b"abc")), ("0", (b"", b"{}abc")), ("5", (b"{}abc", b""))],
)
def test_body_is_split_after_its_json(length: str | None, parts: tuple[bytes, bytes]) -> None:
    assert split_body(b"{}abc", length) == parts


@pytest.mark.parametrize("length", ["6", "-1", "", " ", "2.0", "0x2", "two", "٢", "²", "9" * 5000, "2, 2", "1_0"])
def test_wrong_length_of_the_json_raises_bad_request(length: str) -> None:
    with pytest.raises(BadRequest, match="Inference-Header-Content-Length should be at most the body's length, 5"):
        split_body(b"{}abc", length)


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (3.0, 3), (-0.0, 0), (3.5, None), (True, None), ("3", None), (None, None), (float("inf"), None)],
)
def test_whole_number_accepts_integral_json_numbers_only(value: Any, number: int | None) -> None:
    assert whole_number(value) == number
    assert type(whole_number(value)) is type(number)


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "GZIP ": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_compressed_body_is_decompressed(encoding: str) -> None:
    assert decompressed(ENCODINGS[encoding](b"hello" * 100), encoding, 500) == b"hello" * 100


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(b"hello", "br", 415, id="unknown encoding"),
        pytest.param(b"hello", "gzip, gzip", 415, id="two encodings"),
        pytest.param(b"hello", "gzip", 400, id="not compressed"),
        pytest.param(b"", "gzip", 400, id="empty"),
        pytest.param(gzip.compress(bytes(300))[:-4], "gzip", 400, id="truncated"),
        pytest.param(gzip.compress(bytes(300)) + b"more", "gzip", 400, id="trailing bytes"),
        pytest.param(gzip.compress(bytes(501)), "gzip", 413, id="one byte too large"),
        pytest.param(gzip.compress(bytes(100_000_000), 1), "gzip", 413, id="bomb"),
        pytest.param(zlib.compress(bytes(100_000_000), 1), "deflate", 413, id="deflate bomb"),
    ],
)
def test_invalid_compressed_body_raises_its_error(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(ClassifierError) as error:
        decompressed(body, encoding, 500)
    assert error.value.status == status


def test_gzip_bomb_takes_less_than_2_mb() -> None:
    bomb = gzip.compress(bytes(100_000_000), 1)
    tracemalloc.start()
    with pytest.raises(TooManyBytes):
        decompressed(bomb, "gzip", 500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("number", ["9" * 100, "-" + "9" * 99, f'"{"9" * 500}"', "0." + "3" * 500])
def test_number_of_up_to_100_digits_is_read(number: str) -> None:
    assert parse_json(f"[1, {number}]".encode()) == [1, json.loads(number)]


@pytest.mark.parametrize("number", ["9" * 101, "-" + "9" * 100])
def test_number_of_more_than_100_characters_is_refused(number: str) -> None:
    with pytest.raises(BadRequest, match="a number has too many digits"):
        parse_json(f"[1, {number}]".encode())
