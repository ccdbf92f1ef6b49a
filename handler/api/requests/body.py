"""Receive request bodies, and undo their Content-Encoding."""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from handler.bounded_int import bounded_int
from handler.content_encoding import decompressed
from handler.errors import TooManyBytes

IsGone = Callable[[], Coroutine[Any, Any, bool]]  # whether the client has closed its connection

_MAX_DECLARED_BYTES: Final = 10**18
_COMPRESSED_BYTES: Final = 100_000


@dataclass(frozen=True)
class Body:
    """A complete request body as it was received."""

    received: bytes
    encoding: str  # its Content-Encoding; "" if it has none
    content_type: str
    max_bytes: int  # of its content

    @property
    def bytes_to_parse(self) -> int:
        """Its length, for `Bulkheads`; a compressed one counts as no small one, since few bytes may become many."""
        return max(len(self.received), _COMPRESSED_BYTES) if self.encoding else len(self.received)

    def content(self) -> bytes:
        """The decompressed body; takes time. Raises BadRequest, TooManyBytes or UnknownEncoding."""
        return decompressed(self.received, self.encoding, self.max_bytes)


async def received_body(request: Request, max_bytes: int) -> Body:
    """Receive the whole body. Raises TooManyBytes as soon as its size is known."""
    headers = request.headers
    received = await _received(request, max_bytes)
    return Body(received, headers.get("content-encoding", ""), headers.get("content-type", ""), max_bytes)


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
