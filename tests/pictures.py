"""Pictures that the tests draw, and the ways to write them as files."""

import io
import zlib

from PIL import Image, ImageDraw

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def trousers(side: int = 280) -> Image.Image:
    """Bright trousers on a black ground, as Fashion-MNIST has them; colour, `side` by `side` pixels."""
    picture = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(picture)
    for left, right in ((0.32, 0.46), (0.54, 0.68)):
        draw.rectangle((left * side, 0.05 * side, right * side, 0.95 * side), fill=(210, 210, 210))
    draw.rectangle((0.32 * side, 0.05 * side, 0.68 * side, 0.3 * side), fill=(230, 230, 230))
    return picture


def encoded(picture: Image.Image, format: str = "PNG") -> bytes:  # noqa: A002  Pillow's own word
    """`picture` as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, format, quality=95)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises `width` by `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
