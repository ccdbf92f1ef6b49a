"""Pictures that the tests draw, and the ways to write them as files."""

import io
import zlib
from typing import Any

from PIL import Image, ImageDraw

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def trousers(side: int = 280) -> Image.Image:
    """Bright trousers on a black ground, as Fashion-MNIST has them; colour, `side` by `side` pixels."""
    picture = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(picture)
    # Shares of the side, from the middle outwards and from the top: waist, hip, both edges of the hem, crotch.
    leg = [(0, 0.04), (0.13, 0.04), (0.2, 0.3), (0.13, 0.96), (0.06, 0.96), (0.005, 0.3)]
    for outwards in (-1, 1):
        draw.polygon([((0.5 + outwards * x) * side, y * side) for x, y in leg], fill=(210, 210, 210))
    return picture


def encoded(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:  # noqa: A002  Pillow's own word
    """`picture` as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, format, **{"quality": 95, **options})
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises `width` by `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
