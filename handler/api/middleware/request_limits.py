"""Limits on request bodies while they are read: how many at once, their bytes in total, and the time they take.

408 Request Timeout: a body that stalls. 503 Service Unavailable: too many bodies, or bytes, at once; send it again.
Only for servers with several clients at once: Lambda gives a process one request at a time, with its whole body.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.api.problems import HttpError
from handler.api.requests.body import header

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Limits:
    """What all requests together may hold, and how slow a body may be."""

    bytes_at_once: int  # of all bodies, from their first byte to the end of their response
    bodies_at_once: int = 256
    stall_seconds: float = 10  # within which each `stall_bytes` of a body have to come
    stall_bytes: int = 65_536
    body_seconds: float = 300  # for a whole body
    discard_seconds: float = 30  # for the rest of a body whose response is sent; a client that pauses has less
    discard_stall_seconds: float = 5


class RequestLimits:
    """ASGI middleware that refuses a body by an HttpError where the app reads it."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.bodies = self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        body = _Body(self, receive)
        try:
            await self.app(scope, body.receive, body.discarded_before_end(send) if _is_closed(scope) else send)
        finally:
            body.release()


def _is_closed(scope: Scope) -> bool:
    """Whether the connection is closed after the response, since the client says so."""
    return scope["http_version"] == "1.0" or "close" in (header(scope, b"connection") or "").lower()


class _Body:
    """One request's body: counts towards the limits until the response is complete."""

    def __init__(self, shared: RequestLimits, receive: Receive) -> None:
        self._shared, self._receive = shared, receive
        self._bodies = self._bytes = 0
        self._is_complete = False
        self._deadlines: _Deadlines | None = None

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()  # the client's disconnect, which may take as long as it likes
        deadlines = self._deadlines or self._start()
        message = await deadlines.wait_for(self._receive)
        self._is_complete = not message.get("more_body", False)
        size = len(message.get("body", b""))
        deadlines.extend(size)
        self._hold(bodies=0, size=size)
        return message

    def release(self) -> None:
        self._shared.bodies -= self._bodies
        self._shared.bytes -= self._bytes
        self._bodies = self._bytes = 0

    def discarded_before_end(self, send: Send) -> Send:
        """`send` that ends the response when the body is complete, too.

        A server that closes the connection earlier resets it, and the client that is still sending never sees the
        response (RFC 9112, 9.6). Other connections stay open, and their server discards what comes.
        """

        async def send_and_discard(message: Message) -> None:
            is_end = message["type"] == "http.response.body" and not message.get("more_body", False)
            if is_end and not self._is_complete:
                await send({**message, "more_body": True})
                await self._discard()
                message = {"type": "http.response.body"}
            await send(message)

        return send_and_discard

    async def _discard(self) -> None:
        self.release()
        limits, more = self._shared.limits, True
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.discard_seconds):
                while more:
                    async with asyncio.timeout(limits.discard_stall_seconds):
                        more = (await self._receive()).get("more_body", False)

    def _start(self) -> "_Deadlines":
        self._hold(bodies=1, size=0)
        self._deadlines = _Deadlines(self._shared.limits)
        return self._deadlines

    def _hold(self, bodies: int, size: int) -> None:
        shared, limits = self._shared, self._shared.limits
        if shared.bodies + bodies > limits.bodies_at_once or shared.bytes + size > limits.bytes_at_once:
            raise HttpError(503, "the server is reading too many images; send it again", {"Retry-After": "5"})
        shared.bodies, shared.bytes = shared.bodies + bodies, shared.bytes + size
        self._bodies, self._bytes = self._bodies + bodies, self._bytes + size


class _Deadlines:
    """When the next part of a body, and the whole body, are due."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._time = limits, asyncio.get_running_loop().time
        now = self._time()
        self._last, self._next, self._bytes = now + limits.body_seconds, now + limits.stall_seconds, 0

    async def wait_for(self, receive: Receive) -> Message:
        try:
            async with asyncio.timeout_at(min(self._next, self._last)):
                return await receive()
        except TimeoutError as error:
            # Without "close", the server would go on to read what may never come.
            headers = {"Connection": "close"}
            raise HttpError(408, "the request body did not arrive in time", headers) from error

    def extend(self, size: int) -> None:
        self._bytes += size
        if self._bytes >= self._limits.stall_bytes:
            self._next, self._bytes = self._time() + self._limits.stall_seconds, 0
