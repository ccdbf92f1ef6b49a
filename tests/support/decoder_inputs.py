"""Image files whose small size or modest header hides work or memory, made by code."""

import io
import struct

from PIL import Image

from tests.support.images import encoded


def jpeg_with_scans(scans: int, side: int = 3000) -> bytes:
    """A progressive JPEG of one colour that repeats its last scan; a decoder visits all blocks for each."""
    data = encoded(Image.new("RGB", (side, side), "grey"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def tiff_with_strips(strips: int) -> bytes:
    """A grey TIFF, 1 pixel wide, with a strip for each row; Pillow makes an object for each."""
    tags = [
        (256, 4, 1, 1),
        (257, 4, 1, strips),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (278, 3, 1, 1),
    ]
    count = len(tags) + 2
    offsets = 8 + 2 + 12 * count + 4
    tags += [(273, 4, strips, offsets), (279, 3, strips, offsets + 4 * strips)]
    fields = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    directory = b"II*\0" + struct.pack("<IH", 8, count) + fields + bytes(4)
    return directory + struct.pack("<I", 8) * strips + struct.pack("<H", 1) * strips


def webp_of_few_bytes(side: int = 7000) -> bytes:
    """A lossless WebP of one colour, which takes four bytes for each pixel of memory, twice."""
    return encoded(Image.new("RGBA", (side, side)), "WEBP", lossless=True, method=0)


def photo(seed: int = 0, size: tuple[int, int] = (600, 400)) -> Image.Image:
    """A smooth random RGB image."""
    noise = Image.effect_noise((30, 20), 90).resize(size, Image.Resampling.BICUBIC)
    return Image.merge(
        "RGB", [noise.point([(value + seed * 37 * band) % 256 for value in range(256)]) for band in range(3)]
    )


def turned(image: Image.Image, orientation: int) -> bytes:
    """A JPEG with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()
