"""Receive request bodies by ASGI, and undo their Content-Encoding."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.types import Receive, Scope

from handler.bounded_int import bounded_int
from handler.content_encoding import decompressed
from handler.errors import BadRequest, TooManyBytes

IsGone = Callable[[], Coroutine[Any, Any, bool]]  # whether the client has closed its connection

GONE: Final = "the client disconnected before its request was begun"
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


async def received_body(scope: Scope, receive: Receive, max_bytes: int) -> Body:
    """Receive the whole body. Raises TooManyBytes as soon as its size is known."""
    declared = header(scope, b"content-length")
    received = await _received(receive, bounded_int(declared or "", 0, _MAX_DECLARED_BYTES), max_bytes)
    return Body(received, header(scope, b"content-encoding") or "", header(scope, b"content-type") or "", max_bytes)


def departure(receive: Receive) -> IsGone:
    """A function that tells whether the client has closed its connection, once its body is complete."""
    return partial(_has_gone, receive)


async def _has_gone(receive: Receive) -> bool:
    from anyio import CancelScope  # noqa: PLC0415  only servers with threads ask

    with CancelScope() as at_once:
        at_once.cancel()
        message = await receive()
        return bool(message["type"] == "http.disconnect")
    return False


def header(scope: Scope, name: bytes) -> str | None:
    """The first of the request's headers of this name, which is in lower case."""
    return next((value.decode("latin-1") for each, value in scope["headers"] if each == name), None)


async def _received(receive: Receive, declared_bytes: int | None, max_bytes: int) -> bytes:
    if declared_bytes and declared_bytes > max_bytes:
        raise _too_many(max_bytes)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(GONE)
        part: bytes = message.get("body", b"")
        if len(body) + len(part) > max_bytes:
            raise _too_many(max_bytes)
        is_last = not message.get("more_body", False)
        if is_last and not body:
            return part  # most bodies come in one part
        body += part
        if is_last:
            return bytes(body)


def _too_many(max_bytes: int) -> TooManyBytes:
    return TooManyBytes(f"the body is larger than the maximum of {max_bytes:,} bytes")
