"""Puts on every reply, errors too, an id to ask about it by, and how long its steps took.

X-Request-Id: 9b1c...                                 the gateway's own id, else the client's, else a new one
Server-Timing: decode;dur=1.2, infer;dur=0.3, total;dur=2.1                    milliseconds (W3C Server Timing)
Server-Timing: cold;dur=812.0;desc="cold start", ...                           only on the first reply of a process
"""

import re
import uuid
from time import perf_counter
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler import IMPORTED
from handler.timing import new_record

REQUEST_ID: Final = "X-Request-Id"
SERVER_TIMING: Final = "Server-Timing"

_SAFE_ID = re.compile(r"[\w.:=+/-]{1,128}", re.ASCII)


class Tracing:
    """ASGI middleware around all others, so that no reply leaves without its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._cold_start_seconds: float | None = perf_counter() - IMPORTED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, steps = perf_counter(), new_record()
        request_id = _request_id(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers[SERVER_TIMING] = self._server_timing({**steps, "total": perf_counter() - started})
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _server_timing(self, steps: dict[str, float]) -> str:
        entries = [f"{step};dur={seconds * 1000:.1f}" for step, seconds in steps.items()]
        if self._cold_start_seconds is not None:
            entries.insert(0, f'cold;dur={self._cold_start_seconds * 1000:.1f};desc="cold start"')
            self._cold_start_seconds = None
        return ", ".join(entries)


def _request_id(scope: Scope) -> str:
    event: dict[str, Any] = scope.get("aws.event", {})
    of_gateway = event.get("requestContext", {}).get("requestId", "")
    of_client = Headers(scope=scope).get(REQUEST_ID, "")
    return next(filter(_SAFE_ID.fullmatch, (of_gateway, of_client)), uuid.uuid4().hex)
