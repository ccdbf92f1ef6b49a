"""Draw test images, and encode them as files."""

import io
import zlib
from typing import Any

from PIL import Image, ImageDraw

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def trousers(side: int = 280) -> Image.Image:
    """Bright trousers on a black background, as in Fashion-MNIST; RGB, `side` by `side` pixels."""
    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)
    # (x from the centre, y from the top) in units of `side`: waist, hip, both edges of the hem, crotch.
    leg = [(0, 0.04), (0.13, 0.04), (0.2, 0.3), (0.13, 0.96), (0.06, 0.96), (0.005, 0.3)]
    for outwards in (-1, 1):
        draw.polygon([((0.5 + outwards * x) * side, y * side) for x, y in leg], fill=(210, 210, 210))
    return image


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:  # noqa: A002  Pillow's name
    """The bytes of `image` as a file."""
    file = io.BytesIO()
    image.save(file, format, **{"quality": 95, **options})
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares `width` by `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
