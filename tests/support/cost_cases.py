"""Hostile requests whose computing time and memory are measured, each with the status that it should get."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tests.support import hostile_images as images
from tests.support.decoder_inputs import jpeg_with_scans, photo
from tests.support.hostile_images import SIDE, flat, png, webp, webp_animation, webp_bitstream, webp_canvas
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.tensor_requests import INFER, elements, files
from tests.support.tensor_requests import binary as with_tensors

OPAQUE, TRANSPARENT = 2, 6  # colour types of PNG
JUST_BELOW = 7_071  # the side of a square of 50 million pixels


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


JPEGS = [
    image("JPEG: 100 scans of 10 megapixels, the most allowed", 200, lambda: jpeg_with_scans(91, 3_160)),
    image("JPEG: 101 scans of a small image", 422, lambda: jpeg_with_scans(92, 60)),
    image("JPEG: 300 scans", 422, lambda: jpeg_with_scans(300, 600)),
    image("JPEG: 2,000 scans", 422, lambda: jpeg_with_scans(2_000, 3_000)),
    image("JPEG: 43,000 scans", 422, lambda: jpeg_with_scans(43_000, 3_000)),
    image("JPEG: 49 megapixels", 200, lambda: encoded(flat("RGB"), "JPEG")),
    image("JPEG: 49 megapixels in CMYK", 200, lambda: encoded(flat("CMYK"), "JPEG")),
    image("JPEG: 49 megapixels, progressive", 200, lambda: encoded(flat("RGB"), "JPEG", progressive=True)),
    image(
        "JPEG: 49 megapixels, progressive, without subsampling",
        200,
        lambda: encoded(flat("RGB"), "JPEG", progressive=True, subsampling=0),
    ),
    image("JPEG: 49 megapixels, of which it has few", 200, lambda: images.jpeg_that_claims(SIDE)),
    image("JPEG: 9,000 EXIF segments", 422, lambda: images.jpeg_segments(0xE1, b"Exif\0\0II*\0" + bytes(500), 9_000)),
    image(
        "JPEG: 750 EXIF segments of 64 kB", 422, lambda: images.jpeg_segments(0xE1, b"Exif\0\0" + bytes(65_000), 750)
    ),
    image("JPEG: 9,000 colour profiles", 200, lambda: images.jpeg_segments(0xE2, b"ICC_PROFILE\0" + bytes(99), 9_000)),
    image(
        "JPEG: 9,000 Photoshop segments", 200, lambda: images.jpeg_segments(0xED, b"Photoshop 3.0\0" + bytes(99), 9_000)
    ),
    image("JPEG: 9,000 MPF segments", 200, lambda: images.jpeg_segments(0xE2, b"MPF\0" + bytes(99), 9_000)),
    image("JPEG: 100,000 comments", 422, lambda: images.jpeg_segments(0xFE, b"", 100_000)),
]

PNGS = [
    image("PNG: 49 megapixels, RGBA", 200, lambda: png(SIDE, SIDE, 8, TRANSPARENT)),
    image("PNG: 49 megapixels, RGBA, interlaced", 200, lambda: png(SIDE, SIDE, 8, TRANSPARENT, interlaced=True)),
    image("PNG: 49 megapixels, RGBA, 16 bits", 200, lambda: png(SIDE, SIDE, 16, TRANSPARENT)),
    image("PNG: 49 megapixels, grey with alpha", 200, lambda: png(SIDE, SIDE, 8, 4)),
    image("PNG: 49 megapixels, grey, 16 bits", 200, lambda: png(SIDE, SIDE, 16, 0)),
    image(
        "PNG: 49 megapixels, RGB with a transparent colour",
        200,
        lambda: png(SIDE, SIDE, 8, OPAQUE, extra=images.png_chunk(b"tRNS", bytes(6))),
    ),
    image(
        "PNG: 49 megapixels, palette with transparency",
        200,
        lambda: png(SIDE, SIDE, 8, 3, extra=images.png_chunk(b"tRNS", bytes(range(256)))),
    ),
    image("PNG: 49 megapixels of one bit", 200, lambda: png(SIDE, SIDE, 1, 0)),
    image("PNG: 1 x 49,000,000", 413, lambda: png(1, 49_000_000, 8, 0)),
    image("PNG: 49,000,000 x 1", 413, lambda: png(49_000_000, 1, 8, TRANSPARENT)),
    image("PNG: 49 megapixels that it does not have", 422, lambda: png_that_claims(SIDE, SIDE)),
    image("PNG: a colour profile of 200 MB", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"iCCP", 200))),
    image("PNG: 20 texts of 50 MB", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"zTXt", 50, 20))),
    image("PNG: 400 international texts", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"iTXt", 1, 400))),
    image("PNG: 49,000 empty texts", 200, lambda: png(60, 60, 8, 2, extra=images.png_chunk(b"tEXt", b"a\0") * 49_000)),
    image("PNG: pixels in 47,000 pieces", 200, lambda: images.png_in_pieces(125)),
    image("PNG: an animation of 500 frames", 200, lambda: _animated_png(500)),
]

TIFFS = [
    image("TIFF: 49,000 strips", 200, lambda: images.tiff_of_strips(49_000)),
    image("TIFF: 200,000 strips", 422, lambda: images.tiff_of_strips(200_000)),
    image("TIFF: 3 million strips", 422, lambda: images.tiff_of_strips(3_000_000)),
    image("TIFF: 8 million strips in 48 MB", 422, lambda: images.tiff_of_strips(8_000_000)),
    image("BigTIFF: 1 million strips", 422, lambda: images.tiff_of_strips(1_000_000, big=True)),
    image("TIFF: 49 megapixels in 191,000 tiles", 422, lambda: images.tiff_of_tiles(SIDE, 16)),
    image("TIFF: a tile of 50,000 x 50,000", 422, lambda: images.tiff_of_tiles(60, 50_000, data=bytes(100))),
    image(
        "TIFF: a packed tile of 50,000 x 50,000",
        413,
        lambda: images.tiff_of_tiles(60, 50_000, compression=8, data=bytes(100)),
    ),
    image("TIFF: 49 megapixels, deflate", 200, lambda: images.tiff_compressed(flat("RGBA"), "tiff_adobe_deflate")),
    image("TIFF: 49 megapixels, LZW", 200, lambda: images.tiff_compressed(flat("RGB"), "tiff_lzw")),
    image("TIFF: 49 megapixels of fax", 200, lambda: images.tiff_compressed(flat("1"), "group4")),
    image("TIFF: 25 megapixels of floats", 200, lambda: images.tiff_compressed(flat("F", 5_000), "tiff_lzw")),
    image(
        "TIFF: a JPEG of 43,000 scans within", 422, lambda: images.tiff_around_jpeg(jpeg_with_scans(43_000, 900), 900)
    ),
    image("TIFF: directories in a circle", 422, lambda: images.tiff({256: (3, [1])}, following=8)),
]

WEBPS = [
    image("WebP: 49 megapixels, lossless, in 38 bytes", 413, lambda: webp(webp_bitstream(flat("RGB"), lossless=True))),
    image("WebP: 49 megapixels, lossless, RGBA", 413, lambda: webp(webp_bitstream(flat("RGBA"), lossless=True))),
    image("WebP: 49 megapixels, lossy", 413, lambda: encoded(flat("RGB"), "WEBP", method=0)),
    image("WebP: 49 megapixels, lossy, RGBA", 413, lambda: encoded(flat("RGBA"), "WEBP", method=0)),
    image("WebP: 22 megapixels, lossless", 200, lambda: webp(webp_bitstream(flat("RGB", 4_690), lossless=True))),
    image("WebP: 22 megapixels, lossy, RGBA", 200, lambda: encoded(flat("RGBA", 4_690), "WEBP", method=0)),
    image("WebP: 16,383 x 2,900, lossy", 413, lambda: encoded(Image.new("RGB", (16_383, 2_900)), "WEBP", method=0)),
    image(
        "WebP: 49 megapixels on a canvas of 60 x 60",
        413,
        lambda: webp(webp_canvas(60, 0), webp_bitstream(flat("RGB"), lossless=True)),
    ),
    image(
        "WebP: an animation of 49 megapixels",
        413,
        lambda: webp_animation(SIDE, 9, webp_bitstream(flat("RGB", 60)), 60),
    ),
    image(
        "WebP: an animation of 22 megapixels, 900 frames",
        200,
        lambda: webp_animation(4_690, 900, webp_bitstream(flat("RGB", 60)), 60),
    ),
    image("WebP: noise of 2 megapixels", 200, lambda: encoded(photo(size=(1_600, 1_200)), "WEBP", lossless=True)),
]

OTHERS = [
    image("AVIF: 50 megapixels", 413, lambda: encoded(flat("RGB", JUST_BELOW), "AVIF", speed=10)),
    image("AVIF: 25 megapixels", 200, lambda: encoded(flat("RGB", 5_000), "AVIF", speed=10)),
    image("AVIF: 25 megapixels, RGBA", 200, lambda: encoded(flat("RGBA", 5_000), "AVIF", speed=10)),
    image("AVIF: 12 megapixels of a photo", 200, lambda: encoded(photo(size=(4_000, 3_000)), "AVIF", speed=10)),
    image("AVIF: 8 megapixels of noise", 422, lambda: _noisy_avif(3_200, 2_500)),
    image(
        "AVIF: 49 megapixels that claim to be 60 x 60",
        200,
        lambda: images.heif_that_claims(encoded(flat("RGB"), "AVIF", speed=10), 60, 60),
    ),
    image(
        "AVIF: an animation of 16 megapixels",
        200,
        lambda: encoded(flat("RGB", 4_000), "AVIF", speed=10, save_all=True, append_images=[flat("RGB", 4_000)] * 3),
    ),
    image("HEIC: 49 megapixels", 200, lambda: images.heic_of_tiles(31, 24)),
    image("HEIC: 25 megapixels", 200, lambda: images.heic_of_tiles(20, 19)),
    image("HEIC: 49 megapixels that claim to be 60 x 60", 422, lambda: _lying_heic(60, 60)),
    image("HEIC: 12 megapixels", 200, lambda: images.heic_of_tiles(16, 12)),
    image("GIF: 49 megapixels with transparency", 200, lambda: images.gif(flat("P"), transparency=0)),
    image("GIF: 2,000 frames", 200, lambda: images.gif(trousers(60).quantize(), 2_000, duration=10)),
    image("GIF: a pixel on a screen of 49 megapixels", 200, lambda: images.gif_on_screen(SIDE, flat("P", 1))),
    image("BMP: 2 million runs", 422, lambda: images.bmp_of_runs(SIDE, 2_000_000)),
    image("BMP: 20 million runs", 422, lambda: images.bmp_of_runs(SIDE, 20_000_000)),
    image("BMP: 49 megapixels in long runs", 200, lambda: images.bmp_in_rows(SIDE)),
    image("BMP: 49 megapixels of one bit", 200, lambda: encoded(flat("1"), "BMP")),
]

REQUESTS = [
    Case("data URL: 18 MB of %41", lambda: data_url("%41", 6_000_000), "415"),
    Case("data URL: 18 MB of %2", lambda: data_url("%2", 9_000_000), "400"),
    batch("38 bytes of WebP, as a form", "200: 413", lambda: WEBPS[0].make().sending["content"], as_form),
    batch("10 megapixels of PNG, as a form", "200: 200, 503", lambda: png(3_162, 3_162, 8, OPAQUE), as_form),
    batch(
        "21 megapixels of WebP, as JSON",
        "200: 200, 503",
        lambda: webp(webp_bitstream(flat("RGB", 4_600), lossless=True)),
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
    batch("38 bytes of WebP, v1", "413", lambda: WEBPS[0].make().sending["content"], as_v1),
    batch("21 megapixels of AVIF, v1", "503", lambda: encoded(flat("RGB", 4_600), "AVIF", speed=10), as_v1),
    batch("49 megapixels of PNG, v2", "503", lambda: png(SIDE, SIDE, 1, 0), as_v2),
    batch(
        "21 megapixels of WebP, v2 binary",
        "503",
        lambda: webp(webp_bitstream(flat("RGB", 4_600), lossless=True)),
        as_v2_binary,
    ),
    batch("49 megapixels of PNG, Hugging Face", "400", lambda: png(SIDE, SIDE, 1, 0), as_hugging_face),
]

CASES = [*JPEGS, *PNGS, *TIFFS, *WEBPS, *OTHERS, *REQUESTS]


def _animated_png(frames: int) -> bytes:
    return encoded(
        trousers(60), save_all=True, append_images=[trousers(60 + i % 2).resize((60, 60)) for i in range(frames)]
    )


def _lying_heic(width: int, height: int) -> bytes:
    return images.heif_that_claims(images.heic_of_tiles(27, 27), width, height)


def _noisy_avif(width: int, height: int) -> bytes:
    """As much work for its decoder as pixels can be."""
    bands = [Image.effect_noise((width, height), 200) for _ in range(3)]
    return encoded(Image.merge("RGB", bands), "AVIF", speed=10, quality=100, subsampling="4:4:4")
