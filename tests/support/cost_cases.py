"""Hostile requests whose computing time and memory are measured, each with the status that it should get."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support import hostile_images as images
from tests.support.cost_images import COSTLY_IMAGES, OPAQUE, WEBPS
from tests.support.decoder_inputs import jpeg_with_scans
from tests.support.hostile_images import SIDE, flat, png, webp, webp_bitstream
from tests.support.images import encoded
from tests.support.tensor_requests import INFER, elements, files
from tests.support.tensor_requests import binary as with_tensors


@dataclass(frozen=True)
class Request:
    """A request, as arguments of httpx."""

    path: str
    sending: dict[str, Any] = field(repr=False)

    @property
    def bytes(self) -> int:
        content = self.sending.get("content", b"")
        files = sum(len(content) for _, (_, content) in self.sending.get("files", ()))
        return len(content) + files


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], Request]
    expected: str


def image(name: str, status: int, make: Callable[[], bytes]) -> Case:
    """One image, as raw bytes."""
    return Case(name, lambda: Request("/classify", {"content": make()}), str(status))


def batch(name: str, expected: str, make: Callable[[], bytes], send: Callable[[bytes], Request]) -> Case:
    """64 copies of an image in one request."""
    return Case(f"64 x {name}", lambda: send(make()), expected)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def as_form(content: bytes) -> Request:
    return Request("/classify/batch", {"files": [("file", ("a", content))] * 64})


def as_json(content: bytes) -> Request:
    return Request("/classify/batch", {"content": json.dumps([text(content)] * 64).encode()})


def as_v1(content: bytes) -> Request:
    instances = json.dumps({"instances": [{"b64": text(content)}] * 64}).encode()
    return Request("/v1/models/fashion-mnist:predict", {"content": instances})


def as_v2(content: bytes) -> Request:
    return Request(INFER, {"content": json.dumps({"inputs": [files((64,), data=[text(content)] * 64)]}).encode()})


def as_v2_binary(content: bytes) -> Request:
    return Request(INFER, with_tensors(files((64,)), elements(*[content] * 64)))


def as_hugging_face(content: bytes) -> Request:
    return Request("/huggingface", {"content": json.dumps({"inputs": [text(content)] * 64}).encode()})


def data_url(escaped: str, letters: int) -> Request:
    """18 MB of percent-encoded letters in a data URL."""
    url = "data:image/png;base64," + escaped * letters
    return Request("/classify", {"content": json.dumps({"image": url}).encode()})


REQUESTS = [
    Case("data URL: 18 MB of %41", lambda: data_url("%41", 6_000_000), "415"),
    Case("data URL: 18 MB of %2", lambda: data_url("%2", 9_000_000), "400"),
    batch("38 bytes of WebP, as a form", "200: 413", WEBPS[0].make, as_form),
    batch("10 megapixels of PNG, as a form", "200: 200, 503", lambda: png(3_162, 3_162, 8, OPAQUE), as_form),
    batch(
        "21 megapixels of WebP, as JSON",
        "200: 200, 503",
        lambda: webp(webp_bitstream(flat("RGB", 4_580), lossless=True)),
        as_json,
    ),
    batch(
        "21 megapixels of AVIF, as JSON",
        "200: 200, 503",
        lambda: encoded(flat("RGB", 4_600), "AVIF", speed=10),
        as_json,
    ),
    batch("2,000 scans of JPEG, as JSON", "200: 422", lambda: jpeg_with_scans(2_000, 600), as_json),
    batch("200,000 strips of TIFF, as a form", "200: 422", lambda: images.tiff_of_strips(100_000), as_form),
    batch(
        "a JPEG of 9,000 scans in TIFF, as JSON",
        "200: 422, 503",
        lambda: images.tiff_around_jpeg(jpeg_with_scans(9_000, 900), 900),
        as_json,
    ),
    batch("38 bytes of WebP, v1", "413", WEBPS[0].make, as_v1),
    batch("21 megapixels of AVIF, v1", "503", lambda: encoded(flat("RGB", 4_600), "AVIF", speed=10), as_v1),
    batch("49 megapixels of PNG, v2", "503", lambda: png(SIDE, SIDE, 1, 0), as_v2),
    batch(
        "21 megapixels of WebP, v2 binary",
        "503",
        lambda: webp(webp_bitstream(flat("RGB", 4_580), lossless=True)),
        as_v2_binary,
    ),
    batch("49 megapixels of PNG, Hugging Face", "400", lambda: png(SIDE, SIDE, 1, 0), as_hugging_face),
]

CASES = [*(image(each.name, each.status, each.make) for each in COSTLY_IMAGES), *REQUESTS]
