"""Undo the Content-Encoding of request bodies and of objects: gzip and deflate, within limits."""

import zlib
from typing import Final

from handler.errors import BadRequest, TooManyBytes, UnknownEncoding

_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32  # detects either header
_DEFLATE: Final = -zlib.MAX_WBITS  # without a header, which some clients leave out
_GZIP_START: Final = b"\x1f\x8b"
_MAX_MEMBERS: Final = 16  # of a gzip file; each costs a copy of those that follow


def decompressed(content: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo the Content-Encoding `encoding` (RFC 9110, 8.4). The result has at most `max_bytes`.

    Raises BadRequest, TooManyBytes or UnknownEncoding.
    """
    codings = [coding.strip() for coding in encoding.lower().split(",")]
    match [coding for coding in codings if coding not in ("", "identity")]:
        case []:
            return content
        case ["gzip" | "x-gzip" | "deflate"]:
            return _inflated(content, max_bytes)
        case _:
            raise UnknownEncoding("the Content-Encoding should be gzip, deflate or none")


def _inflated(content: bytes, max_bytes: int) -> bytes:
    """All members of a gzip file (RFC 1952, 2.2), or one deflate stream."""
    inflated, rest = _member(content, max_bytes)
    for _ in range(_MAX_MEMBERS - 1):
        if not rest.startswith(_GZIP_START):
            break
        member, rest = _member(rest, max_bytes - len(inflated))
        inflated += member
    if rest:
        raise BadRequest("the compressed content does not end where its Content-Encoding says")
    return inflated


def _member(data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    """The first compressed stream of `data`, and what follows it."""
    stream = zlib.decompressobj(_ZLIB_OR_GZIP if _has_header(data) else _DEFLATE)
    try:
        inflated = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise BadRequest("the content is not compressed as its Content-Encoding says") from error
    if len(inflated) > max_bytes:
        raise TooManyBytes("the content decompresses to more bytes than the maximum")
    if not stream.eof:
        raise BadRequest("the compressed content ends too early")
    return inflated, stream.unused_data


def _has_header(data: bytes) -> bool:
    """Whether `data` begins as gzip or zlib does (RFC 1950, 2.2)."""
    is_zlib = len(data) > 1 and data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
    return is_zlib or data.startswith(_GZIP_START)
