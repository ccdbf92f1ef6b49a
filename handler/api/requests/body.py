"""Receive request bodies, and undo their Content-Encoding: gzip or deflate."""

import zlib
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from handler.bounded_int import bounded_int
from handler.errors import BadRequest, TooManyBytes, UnknownEncoding

_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32  # detects either header
_DEFLATE: Final = -zlib.MAX_WBITS  # without a header, which some clients leave out
_GZIP_START: Final = b"\x1f\x8b"
_MAX_MEMBERS: Final = 16  # of a gzip file; each costs a copy of those that follow
_MAX_DECLARED_BYTES: Final = 10**18


@dataclass(frozen=True)
class Body:
    """A complete request body as it was received."""

    received: bytes
    encoding: str  # its Content-Encoding; "" if it has none
    content_type: str
    max_bytes: int  # of its content

    def content(self) -> bytes:
        """The decompressed body; takes time. Raises BadRequest, TooManyBytes or UnknownEncoding."""
        return decompressed(self.received, self.encoding, self.max_bytes)


async def received_body(request: Request, max_bytes: int) -> Body:
    """Receive the whole body. Raises TooManyBytes as soon as its size is known."""
    headers = request.headers
    received = await _received(request, max_bytes)
    return Body(received, headers.get("content-encoding", ""), headers.get("content-type", ""), max_bytes)


def decompressed(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo the Content-Encoding `encoding`. Raises BadRequest, TooManyBytes or UnknownEncoding."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _inflated(body, max_bytes)
        case _:
            raise UnknownEncoding("the Content-Encoding should be gzip, deflate or none")


async def _received(request: Request, max_bytes: int) -> bytes:
    too_many = TooManyBytes(f"the body is larger than the maximum of {max_bytes:,} bytes")
    declared_bytes = bounded_int(request.headers.get("content-length", ""), 0, _MAX_DECLARED_BYTES)
    if declared_bytes and declared_bytes > max_bytes:
        raise too_many
    body = bytearray()
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            body += chunk
            if len(body) > max_bytes:
                raise too_many
    return bytes(body)


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """All members of a gzip file (RFC 1952, 2.2), or one deflate stream."""
    inflated, rest = _member(body, max_bytes)
    for _ in range(_MAX_MEMBERS - 1):
        if not rest.startswith(_GZIP_START):
            break
        member, rest = _member(rest, max_bytes - len(inflated))
        inflated += member
    if rest:
        raise BadRequest("the compressed body does not end where its Content-Encoding says")
    return inflated


def _member(data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    """The first compressed stream of `data`, and what follows it."""
    stream = zlib.decompressobj(_ZLIB_OR_GZIP if _has_header(data) else _DEFLATE)
    try:
        inflated = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise BadRequest("the body is not compressed as its Content-Encoding says") from error
    if len(inflated) > max_bytes:
        raise TooManyBytes("the body decompresses to more bytes than the maximum")
    if not stream.eof:
        raise BadRequest("the compressed body ends too early")
    return inflated, stream.unused_data


def _has_header(data: bytes) -> bool:
    """Whether `data` begins as gzip or zlib does (RFC 1950, 2.2)."""
    is_zlib = len(data) > 1 and data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
    return is_zlib or data.startswith(_GZIP_START)
