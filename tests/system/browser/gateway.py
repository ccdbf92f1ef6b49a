"""A REST API in small: requests below its stage become events for the Lambda handler, its replies become responses."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from handler.http_entry import handler
from tests.support.gateway_events import Sent, reply_body, rest_event

STAGE = "Prod"


class _Gateway(ThreadingHTTPServer):
    """As on Lambda, one event after the other is handled, while a browser keeps several connections open."""

    def __init__(self, function: ThreadPoolExecutor) -> None:
        super().__init__(("127.0.0.1", 0), _Stage)
        self._function = function

    def reply_to(self, event: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self._function.submit(handler, event, None).result()  # type: ignore[arg-type]  # no context
        return reply


class _Stage(BaseHTTPRequestHandler):
    server: _Gateway

    def do_GET(self) -> None:
        public_path, query = urlsplit(self.path).path, urlsplit(self.path).query
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = public_path.removeprefix(f"/{STAGE}") or "/"
        event = rest_event(Sent(self.command, path, body, dict(self.headers), query), f"/{STAGE}", public_path)
        reply = self.server.reply_to(event)
        self.send_response(reply["statusCode"])
        for name, value in reply["headers"].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply_body(reply))

    do_POST = do_GET  # noqa: N815  the names are http.server's

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def running_gateway() -> Iterator[str]:
    """The address, to which the stage is to be added."""
    loop = asyncio.new_event_loop()
    # Mangum runs the app on the loop of the thread that calls it.
    with ThreadPoolExecutor(1, initializer=asyncio.set_event_loop, initargs=(loop,)) as function:
        with _Gateway(function) as gateway:
            thread = threading.Thread(target=gateway.serve_forever, args=(0.05,))
            thread.start()
            yield f"http://127.0.0.1:{gateway.server_port}"
            gateway.shutdown()
            thread.join()
        function.submit(loop.run_until_complete, loop.shutdown_default_executor()).result()
    loop.close()
