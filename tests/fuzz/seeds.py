"""The inputs that fuzzing begins with, for each target: small, and made by code."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fuzz.targets import CONTENT_TYPES, FORMATS, PATHS
from tests.inference.heif_files import heic
from tests.support import hostile_images as images
from tests.support.gateway_events import Sent, function_url_event, http_api_event, rest_event
from tests.support.hostile_images import flat, png
from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT
from tests.support.tensor_requests import binary as with_tensors
from tests.support.tensor_requests import document, elements, files, text

SMALL = trousers(28)
PNG = encoded(SMALL.convert("L"))


def seeds() -> dict[str, list[bytes]]:
    """All seeds by the name of their target."""
    pictures = list(_pictures())
    return {
        "decode": pictures,
        "read_header": [*pictures, *(bytes([index]) + pictures[0] for index in range(len(FORMATS)))],
        "requests": list(_requests()),
        "worker_events": [json.dumps(event).encode() for event in _worker_events()],
        "lambda_events": [json.dumps(event).encode() for event in _lambda_events()],
    }


def _pictures() -> Iterator[bytes]:
    for name in FORMATS:
        if name != "HEIF":
            yield encoded(SMALL, name)
    yield from (heic("rotated"), heic("alpha"))
    yield encoded(SMALL, "JPEG", progressive=True)
    yield encoded(SMALL.convert("CMYK"), "JPEG")
    yield encoded(SMALL.convert("RGBA"), "WEBP", lossless=True)
    yield images.webp_animation(28, 2, images.webp_bitstream(flat("RGB", 28)), 28)
    yield images.gif(SMALL.quantize(), 2, transparency=0)
    yield images.bmp_in_rows(28)
    yield from (png(9, 9, depth, colour) for depth, colour in [(1, 0), (16, 0), (8, 3), (16, 2), (8, 4), (16, 6)])
    yield png(9, 9, 8, 6, interlaced=True)
    yield png(9, 9, 8, 2, extra=images.png_chunk(b"tRNS", bytes(6)) + images.packed(b"iCCP", 0))
    yield images.jpeg_segments(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + bytes(20), 1)
    yield from (images.tiff_of_strips(3), images.tiff_of_strips(3, big=True), images.tiff_of_tiles(32, 16))
    yield from (images.tiff_compressed(SMALL, name) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits"))
    yield images.tiff_compressed(SMALL.convert("1"), "group4")


def _requests() -> Iterator[bytes]:
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + PNG + b"\r\n"
    bodies: list[tuple[int, int, bytes]] = [
        (0, 3, PNG),
        (0, 2, form + b"--b--\r\n"),
        (1, 2, form * 2 + b"--b--\r\n"),
        (0, 1, json.dumps({"image": text(PNG), "top_k": 2}).encode()),
        (0, 1, json.dumps({"image": f"data:image/png;base64,{text(PNG)}".replace("+", "%2B")}).encode()),
        (1, 1, json.dumps([text(PNG), {"image": text(PNG), "name": "a"}]).encode()),
        (3, 1, json.dumps({"instances": [{"b64": text(PNG)}, [[0] * 28] * 28]}).encode()),
        (4, 1, json.dumps({"inputs": text(PNG), "parameters": {"top_k": 2}}).encode()),
        (2, 1, document()["content"].encode()),
        (5, 1, b"{}"),
    ]
    for path, content_type, body in bodies:
        yield bytes([path % len(PATHS), content_type % len(CONTENT_TYPES), 0]) + body
    binary = with_tensors(files(), elements(PNG))
    yield bytes([2, 0, int(next(iter(binary["headers"].values())))]) + binary["content"]


def _worker_events() -> Iterator[Any]:
    for path in sorted((PROJECT / "infra" / "events").glob("*.json")):
        if not path.name.startswith("http"):
            yield json.loads(path.read_text(encoding="utf-8"))


def _lambda_events() -> Iterator[Any]:
    sent = Sent("POST", "/classify", PNG, {"Content-Type": "image/png"}, "top_k=2")
    yield from (rest_event(sent), http_api_event(sent), http_api_event(sent, "prod"), function_url_event(sent))
    for path in sorted((PROJECT / "infra" / "events").glob("http-*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
