"""Emulate API Gateway: turn requests below a stage into REST API events for the Lambda handler."""

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
    """Serves many connections at once, as a browser needs, but handles one event at a time, as Lambda does."""

    def __init__(self, lambda_thread: ThreadPoolExecutor) -> None:
        super().__init__(("127.0.0.1", 0), _StageRequestHandler)
        self._lambda_thread = lambda_thread

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        response: dict[str, Any] = self._lambda_thread.submit(handler, event, None).result()
        return response


class _StageRequestHandler(BaseHTTPRequestHandler):
    server: _Gateway

    def do_GET(self) -> None:
        public_path, query = urlsplit(self.path).path, urlsplit(self.path).query
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = public_path.removeprefix(f"/{STAGE}") or "/"
        event = rest_event(Sent(self.command, path, body, dict(self.headers), query), f"/{STAGE}", public_path)
        response = self.server.invoke(event)
        self.send_response(response["statusCode"])
        for name, value in response["headers"].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply_body(response))

    do_POST = do_GET  # noqa: N815  http.server requires these names

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextmanager
def running_gateway() -> Iterator[str]:
    """Runs the gateway; yields its address, without the stage."""
    loop = asyncio.new_event_loop()
    # Mangum runs the app on the loop of the thread that calls it.
    with ThreadPoolExecutor(1, initializer=asyncio.set_event_loop, initargs=(loop,)) as lambda_thread:
        with _Gateway(lambda_thread) as gateway:
            thread = threading.Thread(target=gateway.serve_forever, args=(0.05,))
            thread.start()
            yield f"http://127.0.0.1:{gateway.server_port}"
            gateway.shutdown()
            thread.join()
        lambda_thread.submit(loop.run_until_complete, loop.shutdown_default_executor()).result()
    loop.close()
