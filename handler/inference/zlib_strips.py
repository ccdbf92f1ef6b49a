"""Check the checksums of deflated strips and tiles of a TIFF, which libtiff does not read once it has all pixels."""

import zlib
from collections.abc import Iterable
from typing import Final

DEFLATE: Final = frozenset((8, 32946))  # codes of compression
_PIECE: Final = 16_384  # bytes that are inflated at once, to a thousand times as many at most
_MOST: Final = 8_000_000  # bytes, deflated and inflated: 0.02 seconds; what comes behind them is not checked


def have_right_checksums(strips: Iterable[memoryview]) -> bool:
    """Whether each zlib stream (RFC 1950) ends within its strip, with the checksum of its content."""
    left = _MOST
    for strip in strips:
        inflater, start = zlib.decompressobj(), 0
        while start < len(strip) and not inflater.eof:
            try:
                left -= _PIECE + len(inflater.decompress(strip[start : start + _PIECE]))
            except zlib.error:
                return False
            if left < 0:
                return True
            start += _PIECE
        if not inflater.eof:
            return False
    return True
