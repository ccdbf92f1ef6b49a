"""uvicorn's HTTP connection with bounds: slow heads, slow readers and too many connections are cut off.

uvicorn itself waits for ever for the head of a request, and for a client to take its response.
"""

import asyncio
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from handler.api.middleware.response_headers import ALWAYS, DEFAULTS
from handler.api.problems import MEDIA_TYPE, HttpError, problem_response

_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_BYTES_TO_TAKE: Final = 10_000  # of a response, between two checks


@dataclass(frozen=True)
class _Progress:
    """What a connection was doing at the last check."""

    cycle: RequestResponseCycle | None
    is_waiting: bool  # for a request
    unsent_bytes: int


class _OriginForm(h11.Connection):
    """h11 with a request line as clients send it to a proxy, `GET http://host/path`: RFC 9112, 3.2.2, requires that."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request) and (origin := _ORIGIN.match(event.target)):
            path = event.target[origin.end() :]
            return replace(event, target=path if path.startswith(b"/") else b"/" + path)
        return event


class BoundedConnection(H11Protocol):
    """One connection: checked every few seconds, and closed if it made no progress since the last check."""

    check_seconds: ClassVar[float] = 10
    drain_seconds: ClassVar[float] = 5  # that a request in progress gets when the server shuts down
    max_connections: ClassVar[int] = 512  # half of the open files that Linux allows a process by default

    _progress: _Progress | None = None
    _next_check: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn = _OriginForm(h11.SERVER)  # otherwise as uvicorn makes it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(503, "the server has too many connections; try again later")
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._next_check:
            self._next_check.cancel()

    def shutdown(self) -> None:
        """Begin a graceful shutdown; a request that is still not complete after it is given up."""
        super().shutdown()
        self.loop.call_later(self.drain_seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's sentence, in plain text
        """Respond to what is not HTTP."""
        self._refuse(400, "the request is not valid HTTP/1.1")

    def _check(self) -> None:
        before, now = self._progress, self._current_progress()
        if before and before.cycle is now.cycle:
            if before.unsent_bytes and now.unsent_bytes > max(0, before.unsent_bytes - _BYTES_TO_TAKE):
                self.transport.abort()
            elif before.is_waiting and now.is_waiting and not now.unsent_bytes:
                self._close_idle()
        self._progress = now
        self._next_check = self.loop.call_later(self.check_seconds, self._check)

    def _current_progress(self) -> _Progress:
        is_waiting = self.cycle is None or self.cycle.response_complete
        return _Progress(self.cycle, is_waiting, self.transport.get_write_buffer_size())

    def _close_idle(self) -> None:
        has_begun, _ = self.conn.trailing_data
        if has_begun and self.cycle is None:
            self._refuse(408, "the head of the request did not arrive in time")
        self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        """Respond, unless a response is under way, and close the connection."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_response(status, detail))
        self.transport.close()


def _response(status: int, detail: str) -> bytes:
    body = problem_response(HttpError(status, detail)).content
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([(b"retry-after", b"5")] if status == 503 else []),
        *ALWAYS,
        *DEFAULTS,
    ]
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return head + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body
