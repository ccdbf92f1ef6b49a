"""uvicorn's HTTP connection with bounds: slow or long heads, slow readers and too many connections are cut off.

uvicorn itself waits for ever for the head of a request, and for a client to take its response. httptools, the parser of
Node.js, takes a third of the time that h11 takes, but keeps heads of any length, and queues any number of requests.
"""

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from handler.api.middleware.response_headers import ALWAYS, DEFAULTS
from handler.api.problems import MEDIA_TYPE, HttpError, problem_response

_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_VERSIONS: Final = ("1.0", "1.1")
_OF_BODIES: Final = (b"content-length", b"transfer-encoding")
_BYTES_TO_TAKE: Final = 10_000  # of a response, between two checks


@dataclass(frozen=True)
class _Progress:
    """What a connection was doing at the last check."""

    cycle: RequestResponseCycle | None
    is_waiting: bool  # for a request
    unsent_bytes: int


class _Parser(httptools.HttpRequestParser):
    """httptools' parser, for a server that changes to no other protocol, which Upgrade lets it do (RFC 9110, 7.8).

    httptools takes all behind such a head for the other protocol, the body as well; a second parser reads that.
    Java's HttpClient and `curl --http2` ask for HTTP/2 that way.
    """

    def __init__(self, connection: "BoundedConnection") -> None:
        super().__init__(connection)
        self._connection = connection
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # uvicorn has no others
        """Parse `data`. Raises HttpParserError."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            (end,) = upgrade.args
            self._connection.resume(data[end:])


class BoundedConnection(HttpToolsProtocol):
    """One connection: checked every few seconds, and closed if it made no progress since the last check."""

    check_seconds: ClassVar[float] = 10
    drain_seconds: ClassVar[float] = 5  # that a request in progress gets when the server shuts down
    max_connections: ClassVar[int] = 512  # half of the open files that Linux allows a process by default
    max_head_bytes: ClassVar[int] = 16_384  # of one that comes in several parts; the trailers of a body, too
    max_queued: ClassVar[int] = 100  # requests that a client sends before it has the response to the first

    _progress: _Progress | None = None
    _next_check: asyncio.TimerHandle | None = None
    _unfinished_bytes = 0  # that the parser has taken without a result
    _is_resuming = False  # see `_Parser`
    _last_response = b""  # to what follows requests that still wait for theirs

    def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self.parser = _Parser(self)

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

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and refuse a head that becomes too long."""
        if self._last_response:
            return
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > self.max_head_bytes and not self.transport.is_closing():
            self._refuse_next(431, f"the head of the request has more than {self.max_head_bytes:,} bytes, the maximum")

    def on_message_begin(self) -> None:
        """Raises an error, which becomes a response with status 400, as all others that the parser calls."""
        if self._is_resuming:
            return
        if len(self.pipeline) >= self.max_queued:
            raise ValueError("too many requests are queued")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.cycle is None or self.cycle.scope is not self.scope:  # else it is a trailer, behind the body
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unfinished_bytes = 0
        if self._is_resuming:
            self._is_resuming = False
            return
        self.url = _origin_form(self.url)
        self._check_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        if not self.parser.should_upgrade():  # else another parser completes it
            super().on_message_complete()

    def resume(self, data: bytes) -> None:
        """Parse `data`, the body of the last request and all behind it, by another parser, behind a head of its own."""
        self.parser, self._is_resuming = _Parser(self), True
        headers = [name + b": " + value + b"\r\n" for name, value in self.headers if name in _OF_BODIES]
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(headers) + b"\r\n" + data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's sentence, in plain text
        """Respond to what is not HTTP."""
        self._refuse_next(400, "the request is not valid HTTP/1.1")

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._last_response and is_last and not self.transport.is_closing():
            self.transport.write(self._last_response)
            self.transport.close()

    def _check_head(self) -> None:
        """What RFC 9112, 2.3 and 3.2, require of a request, and the parser lets pass."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        version = self.parser.get_http_version()
        if version not in _VERSIONS or hosts > 1 or (version == "1.1" and not hosts):
            raise ValueError("the request has another version, or not exactly one Host")

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
        if self._unfinished_bytes and self.cycle is None:
            self._refuse(408, "the head of the request did not arrive in time")
        self.transport.close()

    def _refuse_next(self, status: int, detail: str) -> None:
        """As `_refuse`, once the complete requests before have their responses."""
        is_complete = self.cycle is not None and not self.cycle.more_body
        if self.pipeline and not is_complete:
            self.pipeline.popleft()  # its body will never be complete
        elif not is_complete or self.cycle.response_complete:
            self._refuse(status, detail)
            return
        self._last_response = self._last_response or _response(status, detail)

    def _refuse(self, status: int, detail: str) -> None:
        """Respond, unless a response is under way, and close the connection."""
        is_free = self.cycle is None or self.cycle.response_complete or not self.cycle.response_started
        if is_free and not self.pipeline:
            self.transport.write(_response(status, detail))
        self.transport.close()


def _origin_form(target: bytes) -> bytes:
    """The target of a request line as clients send it to a proxy, `GET http://host/path`: RFC 9112, 3.2.2."""
    if target.startswith(b"/"):
        return target
    origin = _ORIGIN.match(target)
    path = target[origin.end() :] if origin else target
    return path if path.startswith(b"/") else b"/" + path


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
