"""Bytes in, an upright picture out: PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF, known by their first bytes."""

import io
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from handler.contract import Frame, Views
from handler.errors import BrokenImage, NotAnImage, TooManyPixels
from handler.inference import preprocessing
from handler.telemetry.request_trace import rejection_noted
from handler.telemetry.timing import measured

# `decode` bounds every picture by its own limit; Pillow's is one for the whole process.
Image.MAX_IMAGE_PIXELS = None

FORMATS: Final = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF")
_STARTS: Final = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": (b"BM",),
}
_AVIF_BRANDS = (b"avif", b"avis")

_LARGE_SIDE: Final = 4 * preprocessing.DETAIL_SIDE  # pictures of twice this and more are reduced at once

# By the EXIF orientation (CIPA DC-008, tag 274); 1 is upright.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def views_of(data: bytes, max_pixels: int) -> Views:
    """An encoded image as the model takes it: uint8 (views, 1, 28, 28), a bright garment on a black ground.

    Raises NotAnImage, BrokenImage or TooManyPixels.
    """
    return framed_views_of(data, max_pixels)[0]


def framed_views_of(data: bytes, max_pixels: int) -> tuple[Views, Frame]:
    """The same as `views_of`, and which part of the picture the first of them shows."""
    with measured("decode"), rejection_noted():
        views, frame = preprocessing.views_of(decode(data, max_pixels))
        return views[:, np.newaxis], frame


def decode(data: bytes, max_pixels: int) -> Image.Image:
    """The first frame of an encoded image, turned upright, in mode L, LA, RGB or RGBA.

    A picture far larger than the conversion needs may come at a reduced scale.
    Raises NotAnImage, BrokenImage or TooManyPixels (more than `max_pixels` in width times height).
    """
    name = format_of(data)
    if name is None:
        raise NotAnImage(f"the bytes are no image in any of the formats {', '.join(FORMATS)}")
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            _check_size(image, max_pixels)
            image.draft(
                None, (preprocessing.DETAIL_SIDE, preprocessing.DETAIL_SIDE)
            )  # a JPEG is decoded at 1/2, 1/4 or 1/8
            image.load()
            turn = _turn(image)
            eight_bit = _eight_bit(image)
        return eight_bit if turn is None else eight_bit.transpose(turn)
    except (TooManyPixels, MemoryError):
        raise
    # Pillow's decoders raise whatever they stumble over in damaged bytes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise BrokenImage(f"the {name} image is truncated or damaged: {error}") from error


def format_of(data: bytes) -> str | None:
    """The format that `data` begins like, as Pillow names it; None if it is none of those read here."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in _AVIF_BRANDS):
        return "AVIF"
    return next((name for name, starts in _STARTS.items() if data.startswith(starts)), None)


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(f"the image has {width} x {height} pixels, more than the {max_pixels:,} allowed")


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return _reduced(image)
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_scaled_to_bytes(np.asarray(_reduced(image))))
    transparent = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    return _reduced(image.convert("RGBA" if transparent else "L" if image.mode == "1" else "RGB"))


def _reduced(image: Image.Image) -> Image.Image:
    """A large picture at a reduced scale, so that no step after this one takes much memory."""
    factor = max(image.size) // _LARGE_SIDE
    if factor < 2:
        return image
    width, height = (max(1, side // factor) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _scaled_to_bytes(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 bits or more, or floating point, scaled to 0 to 255."""
    finite = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    low, high = min(float(finite.min()), 0.0), float(finite.max())
    full_scale = next((scale for scale in (1.0, 255.0, 65_535.0) if low == 0 and high <= scale), high - low)
    return np.round((finite - low) * (255 / full_scale)).astype(np.uint8)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How to turn the picture upright, as the camera noted it; damaged EXIF data leaves it as it is."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (ValueError, SyntaxError, OSError, KeyError, TypeError):
        return None
