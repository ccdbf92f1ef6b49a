"""Convert a decoded image of any pixel mode to 8 bits per channel, at a reduced size, strip by strip.

Conversion copies: Pillow holds 4 bytes per pixel in almost every mode, so a copy of 49 megapixels is 187 MiB. Strips of
two megapixels keep the copies small. A strip is converted before it is reduced: averages of palette indices, or of
colours of which one means "transparent", would be wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image

_STRIP_PIXELS: Final = 2_000_000
_PALETTE_SIZE: Final = 256
_INVERTED: Final = list(range(255, -1, -1))
_TWELVE_BITS: Final = 4_095.0
# By the content of the tag MaxSampleValue.
_SENSOR_SCALES: Final[Mapping[Any, float]] = {(2**bits - 1,): 2.0**bits - 1 for bits in (10, 12, 14)}

_Conversion = Callable[[Image.Image], Image.Image]


def eight_bit(image: Image.Image, kept_side: int, bit_depth: int = 8) -> Image.Image:
    """A loaded image in mode L, LA, RGB or RGBA; its longer side is reduced to no less than `kept_side` pixels.

    `bit_depth` is that of a PNG file, whose tRNS chunk names the transparent colour in this depth (W3C PNG, third
    edition, 11.3.1.1); the alpha channel is as in the same image with an alpha channel.
    """
    _set_transparent_colour(image, bit_depth)
    transparent = image.has_transparency_data
    if image.mode in ("L", "RGB") and not transparent:
        return _resized(image, kept_side)  # at once: its strips would be equal, but slower
    if image.mode.startswith(("I", "F")) and not transparent:
        values = np.asarray(_resized(image, kept_side))
        scaled = Image.fromarray(_scaled_to_bytes(values, _declared_scale(image)))
        return scaled.point(_INVERTED) if _has_white_at_zero(image) else scaled
    if _is_invisible(image):
        return _converted_in_strips(image, kept_side, _opaque)
    converted = _converted_in_strips(image, kept_side, _converted)
    if transparent and converted.getchannel("A").getextrema() == (0, 0):
        # As any that is the same everywhere, this alpha means nothing; but it has taken the colours along.
        return _converted_in_strips(image, kept_side, _opaque)
    return converted


def _is_invisible(image: Image.Image) -> bool:
    """Whether an image has an alpha channel, and that is 0 everywhere."""
    if image.mode not in ("LA", "RGBA"):
        return False
    first_row = image.crop((0, 0, image.width, 1))  # quick to check, and rarely 0
    return all(each.getchannel("A").getextrema() == (0, 0) for each in (first_row, image))


def _has_white_at_zero(image: Image.Image) -> bool:
    """Whether a TIFF's lowest value is white (TIFF 6.0, section 3), which Pillow undoes for up to 8 bits only."""
    return getattr(image, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0


def _declared_scale(image: Image.Image) -> float | None:
    """The highest possible value of a TIFF of 12 bits, or of a sensor's 10, 12 or 14 bits in 16; None for all others.

    MaxSampleValue is a statistic (TIFF 6.0, section 8): the highest value of a dark image is not white. So it counts
    only if it is all ones.
    """
    if not image.mode.startswith("I;16"):
        return None
    tags = getattr(image, "tag_v2", {})
    if tags.get(ExifTags.Base.BitsPerSample) == (12,):
        return _TWELVE_BITS
    return _SENSOR_SCALES.get(tags.get(ExifTags.Base.MaxSampleValue))


def _set_transparent_colour(image: Image.Image, bit_depth: int) -> None:
    """Put the transparent colour, which Pillow leaves at the file's bit depth, into the units of the pixels."""
    match image.info.pop("transparency", None):
        case _ if image.mode not in ("1", "L", "P", "RGB", "I;16"):
            pass  # this mode has no transparent colour
        case int(grey) if image.mode == "L" and bit_depth < 8:
            image.info["transparency"] = grey * 255 // (2**bit_depth - 1)
        case tuple(colour) if image.mode == "RGB" and bit_depth == 16:
            image.info["transparency"] = tuple(value >> 8 for value in colour)  # as Pillow does with the pixels
        case bytes(alphas):
            image.info["transparency"] = alphas[:_PALETTE_SIZE]
        case int() | tuple() as colour:
            image.info["transparency"] = colour
        case _:  # none, or a text chunk of this name
            pass


def _converted_in_strips(image: Image.Image, kept_side: int, convert: _Conversion) -> Image.Image:
    """Convert and narrow strips of rows, then lower the height: the two passes that `Image.resize` would do."""
    width, height = _reduced_size(image.size, kept_side)
    rows = max(1, _STRIP_PIXELS // image.width)
    if rows >= image.height:
        return _unpremultiplied(_premultiplied(convert(image)).resize((width, height), Image.Resampling.BOX))
    narrowed: Image.Image | None = None
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        strip = _premultiplied(convert(image.crop((0, top, image.width, bottom))))
        strip = strip.resize((width, bottom - top), Image.Resampling.BOX)
        narrowed = narrowed or Image.new(strip.mode, (width, image.height))
        narrowed.paste(strip, (0, top))
    assert narrowed is not None  # noqa: S101  an image has at least one row
    return _unpremultiplied(narrowed.resize((width, height), Image.Resampling.BOX))


def _premultiplied(image: Image.Image) -> Image.Image:
    return _in_mode({"LA": "La", "RGBA": "RGBa"}.get(image.mode, image.mode), image)


def _unpremultiplied(image: Image.Image) -> Image.Image:
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode))


def _converted(strip: Image.Image) -> Image.Image:
    transparent = strip.has_transparency_data
    if strip.mode.startswith("I;16"):
        return _sixteen_bit_with_alpha(strip)
    if strip.mode in ("1", "L", "LA", "La"):
        return _in_mode("LA" if transparent else "L", strip)
    return _in_mode("RGBA" if transparent else "RGB", strip)


def _in_mode(mode: str, image: Image.Image) -> Image.Image:
    """The image itself, if it has that mode: Pillow would copy it."""
    return image if image.mode == mode else image.convert(mode)


def _opaque(strip: Image.Image) -> Image.Image:
    converted = _converted(strip)
    return converted.convert(converted.mode.removesuffix("A"))


def _sixteen_bit_with_alpha(strip: Image.Image) -> Image.Image:
    values = np.asarray(strip)
    alpha = np.where(values == strip.info["transparency"], 0, 255)
    return Image.fromarray(np.stack([values >> 8, alpha], axis=-1).astype(np.uint8))


def _resized(image: Image.Image, kept_side: int) -> Image.Image:
    size = _reduced_size(image.size, kept_side)
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def _reduced_size(size: tuple[int, int], kept_side: int) -> tuple[int, int]:
    """The size divided by a whole number; unchanged if the longer side is less than twice `kept_side`."""
    factor = max(1, max(size) // kept_side)
    width, height = size
    return max(1, width // factor), max(1, height // factor)


def _scaled_to_bytes(values: np.ndarray, declared_scale: float | None = None) -> np.ndarray:
    """Scale grey values of 16 bits or more, or floating point, to 0 to 255; a declared scale counts if all fit it."""
    finite = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    low, high = min(float(finite.min()), 0.0), float(finite.max())
    scales = (declared_scale or 1.0, 1.0, 255.0, 65_535.0)
    full_scale = next((scale for scale in scales if low == 0 and high <= scale), high - low)
    return np.round((finite - low) * (255 / full_scale)).astype(np.uint8)
