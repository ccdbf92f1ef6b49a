"""Repair image files that strict decoders refuse although all pixels are there, as browsers do.

PNG files with wrong checksums, long texts or broken colour profiles; JPEG files without their end marker; GIF and WebP
files whose last bytes are missing; AVIF files whose later frames are. What is really cut short stays so, and is refused
by its decoder, or here where its decoder would not notice.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from handler.inference.completeness import FILLINGS, have_equal_pixels
from handler.inference.jpeg_repair import repaired_jpeg

_PNG_SIGNATURE: Final = 8  # bytes
_ADLER: Final = 4  # bytes
_PNG_PALETTE: Final = 3  # a colour type
_PNG_TRANSPARENT: Final = {0: range(2, 3), 2: range(6, 7), _PNG_PALETTE: range(1, 257)}  # bytes of tRNS by colour type

_GIF_HEADER: Final = 13  # bytes
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21
_GIF_END: Final = b"\0\x3b"  # of the sub-blocks, and of the file

_WEBP_HEADER: Final = 12  # bytes
_WEBP_PIXELS: Final = (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"EXIF")
_WEBP_PROFILE, _WEBP_EXIF, _WEBP_XMP = 0x20, 0x08, 0x04  # flags of VP8X

_MOST_FILLED_UP: Final = 20_000_000  # bytes


def repaired(data: bytes, format: str) -> bytes | None:  # noqa: A002  Pillow's name
    """The file without what is wrong beside its pixels; None if nothing of the kind is known for `format`."""
    repair = _REPAIRS.get(format)
    return repair(data) if repair else None


def _png(data: bytes) -> bytes:
    """Keep the critical chunks, transparency and orientation (W3C PNG, third edition, 5.3)."""
    before, pixels, after = [data[:_PNG_SIGNATURE]], list[bytes](), list[bytes]()
    for kind, chunk in _png_chunks(data):
        is_critical = not kind[0] & 0x20
        if kind == b"IDAT":
            pixels.append(chunk)
        elif is_critical or (kind in (b"tRNS", b"eXIf") and _is_intact(chunk) and _fits(kind, chunk, data[25])):
            (after if pixels else before).append(chunk)
    return b"".join([*before, *_without_adler(pixels), *after])


def _without_adler(pixels: list[bytes]) -> list[bytes]:
    """IDAT chunks without the checksum that ends their zlib stream (RFC 1950, 2.2); some encoders write it wrong.

    It stays if a chunk's own checksum is wrong: then it is what tells damaged pixels.
    """
    if not all(map(_is_intact, pixels)):
        return pixels
    content = b"IDAT" + b"".join(chunk[8:-4] for chunk in pixels)[:-_ADLER]
    return [struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))]


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = _PNG_SIGNATURE
    while len(kind := data[offset + 4 : offset + 8]) == 4 and kind.isalpha():
        end = offset + 12 + int.from_bytes(data[offset : offset + 4], "big")
        yield kind, data[offset:end]
        offset = end


def _is_intact(chunk: bytes) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _fits(kind: bytes, chunk: bytes, colour_type: int) -> bool:
    """Whether tRNS has a length that its colour type allows; decoders ignore others."""
    return kind != b"tRNS" or len(chunk) - 12 in _PNG_TRANSPARENT.get(colour_type, ())


def _gif(data: bytes) -> bytes | None:
    """End the sub-block of the first image in which the file ends, if all pixels are there (GIF89a, 15 and 22)."""
    offset = _GIF_HEADER + _gif_colours(data, 10)
    while data[offset : offset + 1] == bytes([_GIF_EXTENSION]):
        *_, offset = _gif_sub_blocks(data, offset + 2)
    if data[offset : offset + 1] != bytes([_GIF_IMAGE]):
        return None
    *starts, end = _gif_sub_blocks(data, offset + 11 + _gif_colours(data, offset + 9))
    if end <= len(data):
        return data[:end] + _GIF_END[1:]
    last = max(start for start in starts if start <= len(data) or start == starts[0])
    rest = data[last + 1 :]
    whole = data[:last] + bytes([len(rest)]) * bool(rest) + rest
    filled = (whole + bytes([len(filling)]) + filling + _GIF_END for filling in FILLINGS)
    return whole + _GIF_END if have_equal_pixels(filled, "GIF") else None


def _gif_colours(data: bytes, flags: int) -> int:
    """Bytes of the colour table that the flags at an offset announce."""
    packed = int.from_bytes(data[flags : flags + 1], "big")
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _gif_sub_blocks(data: bytes, offset: int) -> Iterator[int]:
    """Where each sub-block starts, and where the last one ends; beyond the file if its terminator is missing."""
    yield offset
    while offset < len(data) and data[offset]:
        offset += 1 + data[offset]
        yield offset
    yield offset + 1


def _webp(data: bytes) -> bytes:
    """Keep the chunks of pixels that are complete, and orientation (RFC 9649, section 2)."""
    extended, kept, offset = b"", [], _WEBP_HEADER
    while offset + 8 <= len(data):
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        kind, chunk = data[offset : offset + 4], data[offset : offset + 8 + size]
        offset += 8 + size + size % 2
        if kind == b"VP8X":
            extended = chunk
        elif kind in _WEBP_PIXELS and len(chunk) == 8 + size:
            kept.append(chunk + bytes(size % 2))
    if extended:
        has_exif = any(chunk.startswith(b"EXIF") for chunk in kept)
        dropped = _WEBP_PROFILE | _WEBP_XMP | (0 if has_exif else _WEBP_EXIF)
        kept.insert(0, extended[:8] + bytes([extended[8] & ~dropped]) + extended[9:])
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _avif(data: bytes) -> bytes | None:
    """Fill up the last box, if the first frame of an animation does not depend on it (ISO/IEC 14496-12, 4.2)."""
    missing = _end_of_boxes(data) - len(data)
    if not 0 < missing <= _MOST_FILLED_UP:
        return None
    filled = (data + (filling * (missing // len(filling) + 1))[:missing] for filling in FILLINGS)
    return data + bytes(missing) if have_equal_pixels(filled, "AVIF") else None


def _end_of_boxes(data: bytes) -> int:
    """Where the last box ends by its size; 0 if a size is none."""
    offset = 0
    while offset + 8 <= len(data):
        size = int.from_bytes(data[offset : offset + 4], "big")
        if size < 8:  # of 64 bits, or to the end of the file
            return 0
        offset += size
    return offset


_REPAIRS: Final[Mapping[str, Callable[[bytes], bytes | None]]] = {
    "AVIF": _avif,
    "GIF": _gif,
    "JPEG": repaired_jpeg,
    "PNG": _png,
    "WEBP": _webp,
}
