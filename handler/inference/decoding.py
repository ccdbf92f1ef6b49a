"""Decode image files: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF and HEIC, recognised by their first bytes.

header -> cost -> decoder, in a child process if the header cannot be trusted -> repair, if the decoder refuses
"""

import base64
import io
import logging
import re
import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from handler.errors import BrokenImage, ClassifierError, NotAnImage, OutOfMemory, RejectedImage, TooManyPixels
from handler.inference.budget import Budget
from handler.inference.headers import Header, check_cost, read_header
from handler.inference.headers.brands import format_by_brands
from handler.inference.pixel_modes import eight_bit

# `decode` has a limit of its own for every image; Pillow's is one for the whole process.
Image.MAX_IMAGE_PIXELS = None
# What Pillow finds wrong with a file belongs into an error's sentence, not into the log of the whole process.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS: Final = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")
_SIGNATURES: Final = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": (b"BM",),
}
# Of base64, perhaps quoted, as by Python's `repr`, or in a data URL: enough letters for the signature of every format.
_BASE64_START: Final = re.compile(
    rb"\s*+(?:b?[\"'])?(?P<url>data:[^,]{0,100},)?+\s*+(?P<letters>[\w+/-]{0,128})", re.ASCII | re.IGNORECASE
)
_FEWEST_LETTERS: Final = 40  # in one piece; fewer may be a word
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

_OUT_OF_MEMORY: Final = "too little memory is free to decode the image; send it again"
_BROKEN_TIFF: Final = (
    "the TIFF image is truncated or damaged, or of a kind that cannot be read, such as a camera's raw file"
)
_RARE_BMP: Final = re.compile("Unsupported BMP (bitfields layout|pixel depth|compression)")  # Pillow's words

_ORDINARY_SCANNED_PIXELS: Final = 40_000_000  # scans times pixels: a progressive JPEG of 4 megapixels
_KEPT_SIDE: Final = 896  # pixels; unless its decoder can do that, an image is not reduced below it

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


def decode(data: bytes, max_pixels: int, needed_side: int, budget: Budget | None = None) -> Image.Image:
    """The first frame of an encoded image, turned upright, in mode L, LA, RGB or RGBA.

    An image far larger than `needed_side` pixels may come at a reduced scale, its longer side never below that.
    Colour profiles and gamma are ignored: the photos that the model has learned from were decoded without them, too.
    Its pixels and computing time are taken from the `budget` that it shares with others. An image that its header rules
    out takes neither; one that turns out to be broken takes no pixels.
    Raises NotAnImage, BrokenImage, TooManyPixels (more than `max_pixels` in width times height, or more than fit into
    the memory for one image) or TooComplex; OutOfMemory or OutOfTime if the image is to be sent again.
    """
    name = format_of(data)
    if not data:
        raise NotAnImage("the image is empty: it has no bytes")
    if name is None:
        raise NotAnImage(f"unknown image format{_hint(data)}; supported formats: {', '.join(FORMATS)}")
    header = read_header(name, data)
    check_cost(header, max_pixels)
    if budget is None:
        return _decoded_where_it_is_safe(data, header, max_pixels, needed_side)
    budget.spend(header.pixels, trusted=header.trusted and header.scans * header.pixels <= _ORDINARY_SCANNED_PIXELS)
    try:
        with budget.timed():
            return _decoded_where_it_is_safe(data, header, max_pixels, needed_side, budget.charge)
    except RejectedImage:
        budget.give_back(header.pixels)  # many broken images would leave nothing to the others
        raise


def _decoded_where_it_is_safe(
    data: bytes, header: Header, max_pixels: int, needed_side: int, charge: Callable[[float], None] | None = None
) -> Image.Image:
    """Decode in this process, or in a child process if the header cannot be trusted."""
    if not header.trusted:
        from handler.inference import decoder_process  # noqa: PLC0415  rarely needed

        if decoder_process.IS_SUPPORTED:
            return decoder_process.decode_in_child(data, header.format, max_pixels, needed_side, charge=charge)
    return decode_here(data, header.format, max_pixels, needed_side)


def decode_here(data: bytes, format: str, max_pixels: int, needed_side: int) -> Image.Image:  # noqa: A002
    """As `decode`, in this process and without a limit on time or memory; `format` as `format_of` names it.

    A file that is refused by its decoder, although all of its pixels are there, is repaired first.
    """
    try:
        return _decoded_or_broken(data, format, max_pixels, needed_side)
    except BrokenImage:
        repaired = _repaired(data, format)
        if repaired is None:
            raise
    return _decoded_or_broken(repaired, format, max_pixels, needed_side)


def _repaired(data: bytes, format: str) -> bytes | None:  # noqa: A002
    from handler.inference.repairs import repaired  # noqa: PLC0415  rarely needed

    try:
        return repaired(data, format)
    except MemoryError as error:
        raise OutOfMemory(_OUT_OF_MEMORY) from error
    except Exception:  # Pillow's, as below: the repaired file is still broken
        return None


def _decoded_or_broken(data: bytes, format: str, max_pixels: int, needed_side: int) -> Image.Image:  # noqa: A002
    try:
        return _decoded(data, format, max_pixels, needed_side)
    except ClassifierError:
        raise
    except MemoryError as error:
        raise OutOfMemory(_OUT_OF_MEMORY) from error
    # Pillow's decoders raise whatever they stumble over in damaged bytes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        cause = repr(error)  # not the error itself: its traceback holds the decoded image
    if _is_memory_short(data, format):
        raise OutOfMemory(_OUT_OF_MEMORY)
    broken = BrokenImage(_what_is_broken(data, format, cause))
    broken.add_note(cause)  # for a traceback; not part of the sentence
    raise broken


def _what_is_broken(data: bytes, format: str, cause: str) -> str:  # noqa: A002
    from handler.inference.headers.jpeg import is_of_a_common_kind  # noqa: PLC0415  rarely needed

    if format == "TIFF":
        return _BROKEN_TIFF
    if _RARE_BMP.search(cause):
        return "the BMP image is of a kind that cannot be read: of unusual colour masks, bit depth or compression"
    if format == "JPEG" and not is_of_a_common_kind(data):
        return "the JPEG image is of a kind that cannot be read: lossless, or of other than 8 bits a sample"
    return f"the {format} image is truncated or damaged"


def _is_memory_short(data: bytes, format: str) -> bool:  # noqa: A002
    """Whether the image cannot have the memory that it needs: libjpeg, libwebp and libtiff report that as damage."""
    header = read_header(format, data)
    try:
        # Not written to, so it takes address space only. The largest part is about half of what a decoder takes.
        np.empty(int(header.pixels * header.bytes_per_pixel / 2), np.uint8)
    except MemoryError:
        return True
    return False


def _decoded(data: bytes, format: str, max_pixels: int, needed_side: int) -> Image.Image:  # noqa: A002
    with _opened(data, format, needed_side) as image:
        _check_size(image, max_pixels)
        image.draft(None, (needed_side, needed_side))  # decodes a JPEG at 1/2, 1/4 or 1/8
        _load(image, format)
        transposition = _transposition(image)
        converted = eight_bit(image, max(_KEPT_SIDE, 4 * needed_side), data[24] if format == "PNG" else 8)
    return converted if transposition is None else converted.transpose(transposition)


def _opened(data: bytes, format: str, needed_side: int) -> Image.Image:  # noqa: A002
    if format == "HEIF":
        from handler.inference.heif import open_heif  # noqa: PLC0415  rarely needed

        return open_heif(data, needed_side)
    if format == "TIFF":
        from handler.inference.tiff import open_tiff  # noqa: PLC0415  rarely needed

        return open_tiff(data)
    image = Image.open(io.BytesIO(data), formats=[format])
    if format == "JPEG":
        image.decodermaxblock = len(data)  # libjpeg is slower at the end of each block; they have 64 KiB otherwise
    return image


def _load(image: Image.Image, format: str) -> None:  # noqa: A002
    if format == "TIFF":
        from handler.inference.tiff import load_tiff  # noqa: PLC0415  rarely needed

        load_tiff(image)
    else:
        image.load()


def format_of(data: bytes) -> str | None:
    """Detect the format by its signature, as Pillow names it; None if it is not supported."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    by_signature = (name for name, signatures in _SIGNATURES.items() if data.startswith(signatures))
    return next(by_signature, None) or format_by_brands(data)


def _hint(data: bytes) -> str:
    """What the bytes are instead, such as base64 that was encoded twice; "" if that is unknown."""
    from handler.inference.other_files import kind_of  # noqa: PLC0415  rarely needed

    if kind := kind_of(data):
        return f": {kind}"
    start = _BASE64_START.match(data)
    if start is None or not (start["url"] or len(start["letters"]) >= _FEWEST_LETTERS):
        return ""
    letters = start["letters"]
    if format_of(base64.urlsafe_b64decode(letters[: len(letters) // 4 * 4].translate(_TO_URL_SAFE))):
        return ": it is the base64 text of an image, so decode it before you send it"
    return ": it looks like base64 or a data URL, but not like that of an image"


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(f"the image has {width} x {height} pixels, more than the {max_pixels:,} allowed")


def _transposition(image: Image.Image) -> Image.Transpose | None:
    """The transposition that turns the image upright by its EXIF orientation; damaged EXIF data is ignored."""
    for xmp in ("xmp", "XML:com.adobe.xmp"):  # Pillow would take an orientation from there, which no browser does
        image.info.pop(xmp, None)
    try:
        return _TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except MemoryError:
        raise
    except Exception:  # the parser raises whatever it stumbles over: ValueError, struct.error, TypeError, ...
        return None
