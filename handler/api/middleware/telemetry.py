"""Request telemetry: adds a request id and Server-Timing to every response, errors included; reports each request.

X-Request-Id: 9b1c...                                 the gateway's id, else the client's, else a new one
Server-Timing: decode;dur=1.2, infer;dur=0.3, total;dur=2.1                    milliseconds (W3C Server Timing)
Server-Timing: cold;dur=812.0;desc="cold start", ...                           only on the first response of a process
"""

import os
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.api.requests.body import header
from handler.lifecycle.cold_start import ColdStart
from handler.result_keys import SAFE_REQUEST_ID
from handler.telemetry.reports import RequestReport
from handler.telemetry.request_trace import start_trace

REQUEST_ID: Final = "X-Request-Id"
SERVER_TIMING: Final = "Server-Timing"
_REQUEST_ID: Final = REQUEST_ID.lower().encode()
_SERVER_TIMING: Final = SERVER_TIMING.lower().encode()


class RequestTelemetry:
    """ASGI middleware around all others, so that every response has its headers."""

    def __init__(self, app: ASGIApp, report: Callable[[RequestReport], None], cold_start: ColdStart) -> None:
        self.app, self._report, self._cold_start = app, report, cold_start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Request(scope, receive, send, self._cold_start.take())
        scope.setdefault("state", {})["request_id"] = request.id  # for routes that pass it on
        try:
            await self.app(scope, request.receive, request.send)
        finally:
            self._report(request.report())


class _Request:
    """One request: what passes between the app and the server."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, cold_start_seconds: float | None) -> None:
        self._scope, self._receive, self._send, self._cold_start_seconds = scope, receive, send, cold_start_seconds
        self._started = perf_counter()
        self._trace = start_trace()
        self._status, self._bytes_in = 500, 0  # the server's own status for an app that sends none
        self.id = _request_id(scope)

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = ((_REQUEST_ID, self.id.encode()), (_SERVER_TIMING, self._server_timing().encode()))
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await self._send(message)

    def report(self) -> RequestReport:
        return RequestReport(
            method=self._scope["method"],
            path=self._scope["path"],
            status=self._status,
            seconds=perf_counter() - self._started,
            bytes_in=self._bytes_in,
            request_id=self.id,
            cold_start_seconds=self._cold_start_seconds,
            outcomes=tuple(self._trace.outcomes),
            root_path=self._scope.get("root_path", ""),
            client=(self._scope.get("client") or ("",))[0],
        )

    def _server_timing(self) -> str:
        spans = {**self._trace.spans, "total": perf_counter() - self._started}
        entries = [f"{name};dur={seconds * 1000:.1f}" for name, seconds in spans.items()]
        if self._cold_start_seconds is not None:
            entries.insert(0, f'cold;dur={self._cold_start_seconds * 1000:.1f};desc="cold start"')
        return ", ".join(entries)


def _request_id(scope: Scope) -> str:
    event: dict[str, Any] = scope.get("aws.event", {})
    of_gateway = event.get("requestContext", {}).get("requestId", "")
    of_client = header(scope, _REQUEST_ID) or ""
    return next(filter(SAFE_REQUEST_ID.fullmatch, (of_gateway, of_client)), "") or os.urandom(16).hex()
