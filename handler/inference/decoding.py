"""Decode image files: PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF, recognised by their first bytes."""

import io
from typing import Final

from PIL import ExifTags, Image

from handler.errors import BrokenImage, ClassifierError, NotAnImage, OutOfMemory, TooManyPixels
from handler.inference.pixel_modes import eight_bit

# `decode` has a limit of its own for every image; Pillow's is one for the whole process.
Image.MAX_IMAGE_PIXELS = None

FORMATS: Final = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF")
_SIGNATURES: Final = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": (b"BM",),
}
_AVIF_BRANDS = (b"avif", b"avis")

_KEPT_FACTOR: Final = 4  # a reduced image keeps at least so many times the side that is needed

# By the EXIF orientation (CIPA DC-008, tag 274); 1 is upright.
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, max_pixels: int, needed_side: int) -> Image.Image:
    """The first frame of an encoded image, turned upright, in mode L, LA, RGB or RGBA.

    An image far larger than `needed_side` pixels may come at a reduced scale, its longer side never below that.
    Raises NotAnImage, BrokenImage or TooManyPixels (more than `max_pixels` in width times height).
    """
    name = format_of(data)
    if name is None:
        raise NotAnImage(f"unknown image format; supported formats: {', '.join(FORMATS)}")
    return decode_here(data, name, max_pixels, needed_side)


def decode_here(data: bytes, format: str, max_pixels: int, needed_side: int) -> Image.Image:  # noqa: A002
    """As `decode`, in this process and without a limit on time or memory; `format` as `format_of` names it."""
    try:
        return _decoded(data, format, max_pixels, needed_side)
    except ClassifierError:
        raise
    except MemoryError as error:
        raise OutOfMemory("too little memory to decode the image now; send it again later") from error
    # Pillow's decoders raise whatever they stumble over in damaged bytes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        broken = BrokenImage(f"the {format} image is truncated or damaged")
        broken.add_note(repr(error))
    raise broken


def _decoded(data: bytes, format: str, max_pixels: int, needed_side: int) -> Image.Image:  # noqa: A002
    with Image.open(io.BytesIO(data), formats=[format]) as image:
        _check_size(image, max_pixels)
        image.draft(None, (needed_side, needed_side))  # decodes a JPEG at 1/2, 1/4 or 1/8
        image.load()
        transposition = _transposition(image)
        converted = eight_bit(image, _KEPT_FACTOR * needed_side, data[24] if format == "PNG" else 8)
    return converted if transposition is None else converted.transpose(transposition)


def format_of(data: bytes) -> str | None:
    """Detect the format by its signature, as Pillow names it; None if it is not supported."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in _AVIF_BRANDS):
        return "AVIF"
    return next((name for name, signatures in _SIGNATURES.items() if data.startswith(signatures)), None)


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(f"the image has {width} x {height} pixels, more than the {max_pixels:,} allowed")


def _transposition(image: Image.Image) -> Image.Transpose | None:
    """The transposition that turns the image upright by its EXIF orientation; damaged EXIF data is ignored."""
    try:
        return _TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (ValueError, SyntaxError, OSError, KeyError, TypeError):
        return None
