"""Open and load TIFF images, also where Pillow alone would misread them: planes, YCbCr, byte orders, 12-bit colours."""

import io
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Final, cast

import numpy as np
from PIL import Image, ImageChops, TiffImagePlugin
from PIL.TiffImagePlugin import TiffImageFile

from handler.inference.big_tiff import BIG_ENDIAN_BIG_TIFF, as_classic_tiff
from handler.inference.libtiff import load_undamaged
from handler.inference.zlib_strips import DEFLATE, have_right_checksums

_BITS, _COMPRESSION, _PHOTOMETRIC, _MAX_SAMPLE_VALUE, _PLANAR = 258, 259, 262, 281, 284  # tags
_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES = 273, 279, 324, 325
_YCBCR: Final = 6
_SEPARATE: Final = 2  # each colour on a plane of its own
_SENSOR_WHITES: Final = frozenset(2**bits - 1 for bits in (10, 12, 14))
_STRIP_PIXELS: Final = 500_000

# By Pillow's names of layouts: libtiff gives samples in the machine's byte order, which Pillow takes for the file's.
_NATIVE: Final = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "I;32B": "I;32N", "F;32BF": "F;32NF"}
# Pillow keeps the higher byte of a sample. By the other byte order, it keeps the lower one.
_SWAPPED: Final = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_LOWER_BYTES: Final = {
    f"{colours};16{order}": f"{colours};16{other}"
    for colours in ("RGB", "RGBX", "RGBA", "CMYK")
    for order, other in _SWAPPED.items()
}
_opening: Final = threading.Lock()

# Grey images that Pillow has in one byte order only, or only with black at zero (`pixel_modes` inverts the others):
# byte order, photometric interpretation, sample format, fill order, bits and extra samples -> mode, layout.
TiffImagePlugin.OPEN_INFO.update(
    {
        (b"MM", 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
        (b"MM", 1, (1,), 1, (32,), ()): ("I", "I;32B"),
        **{(order, zero, (1,), 1, (12,), ()): ("I;16", "I;12") for order in (b"II", b"MM") for zero in (0, 1)},
    }
)


def open_tiff(data: bytes) -> Image.Image:
    """The first image of a TIFF or BigTIFF file, to be loaded by `load_tiff`. Raises what Pillow raises."""
    if data.startswith(BIG_ENDIAN_BIG_TIFF):
        data = as_classic_tiff(data)
    image = _opened(data)
    return _opened(data, with_libtiff=True) if _needs_libtiff(image) else image


def load_tiff(image: Image.Image) -> None:
    """Load the pixels. Raises OSError if they are damaged, and whatever else Pillow raises.

    Colours of 10, 12 or 14 bits in 16 are made as bright as they are, if the file declares that as MaxSampleValue.
    """
    image = cast(TiffImageFile, image)
    data = cast(io.BytesIO, image.fp).getvalue()
    white = _declared_white(image)
    lower = _with_layouts(_opened(data), _LOWER_BYTES) if white else None
    load_undamaged(image)
    if image.tag_v2.get(_COMPRESSION) in DEFLATE and not have_right_checksums(_parts(image, data)):
        raise OSError("a checksum is wrong")
    if white and lower:
        lower.load()
        _brighten(image, lower, white)


def _parts(image: TiffImageFile, data: bytes) -> Iterator[memoryview]:
    """The compressed strips or tiles."""
    starts = image.tag_v2.get(_STRIP_OFFSETS) or image.tag_v2.get(_TILE_OFFSETS, ())
    lengths = image.tag_v2.get(_STRIP_BYTES) or image.tag_v2.get(_TILE_BYTES, ())
    for start, length in zip(starts, lengths, strict=False):
        yield memoryview(data)[start : start + length]


def _opened(data: bytes, *, with_libtiff: bool = False) -> TiffImageFile:
    with _opening:  # Pillow's switch is one for the whole process
        TiffImagePlugin.READ_LIBTIFF = with_libtiff
        image = cast(TiffImageFile, Image.open(io.BytesIO(data), formats=["TIFF"]))
    return _with_layouts(image, _NATIVE) if image.tile[0].codec_name == "libtiff" else image


def _with_layouts(image: TiffImageFile, layouts: Mapping[str, str]) -> TiffImageFile:
    for index, tile in enumerate(image.tile):
        layout, *others = cast(tuple[str, ...], tile.args)
        image.tile[index] = tile._replace(args=(layouts.get(layout, layout), *others))
    return image


def _needs_libtiff(image: TiffImageFile) -> bool:
    """Whether Pillow's own reader of uncompressed images, which libtiff is too costly for, would get it wrong."""
    has_deep_planes = image.tag_v2.get(_PLANAR) == _SEPARATE and max(image.tag_v2.get(_BITS, (1,))) > 8
    return has_deep_planes or image.tag_v2.get(_PHOTOMETRIC) == _YCBCR


def _declared_white(image: TiffImageFile) -> int | None:
    """The highest possible value of a sensor's colours in 16 bits.

    As of grey images (`pixel_modes`), MaxSampleValue is a statistic, and counts only if it is all ones.
    """
    declared = {*image.tag_v2.get(_MAX_SAMPLE_VALUE, ())}
    is_deep = cast(tuple[str, ...], image.tile[0].args)[0] in _LOWER_BYTES
    return declared.pop() if is_deep and len(declared) == 1 and declared <= _SENSOR_WHITES else None


def _brighten(image: Image.Image, lower: Image.Image, white: int) -> None:
    """Scale the samples, of whose higher bytes `image` consists, from `white` to 255, unless some are higher."""
    if max(np.ravel(image.getextrema())) > white >> 8:
        return
    from_higher = _scale(image, 256 * 255 / white)
    from_lower = _scale(image, 255 / white)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        image.paste(ImageChops.add(image.crop(box).point(from_higher), lower.crop(box).point(from_lower)), box)


def _scale(image: Image.Image, factor: float) -> list[int]:
    return [min(255, round(value * factor)) for value in range(256)] * len(image.getbands())
