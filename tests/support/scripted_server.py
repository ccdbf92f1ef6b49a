"""HTTP server whose responses are scripted by a test: throttled, broken, slow or correct."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


@dataclass(frozen=True)
class Sent:
    """A received request."""

    target: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


# Called with a request and the number of earlier ones; None closes the connection without a response.
Script = Callable[[Sent, int], Reply | None]


class ScriptedServer(ThreadingHTTPServer):
    """Answers each POST by the script, and records the requests."""

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.sent: list[Sent] = []
        self.connections = 0
        self._lock = Lock()

    def record(self, sent: Sent) -> int:
        """Record the request; return the number of earlier ones."""
        with self._lock:
            self.sent.append(sent)
            return len(self.sent) - 1

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect or reject the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = Sent(self.path, headers, self.rfile.read(int(headers["content-length"])))
        reply = self.server.script(sent, self.server.record(sent))
        if reply is None:
            return
        self.send_response(reply.status)
        for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class's name
        """Do not log."""


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[ScriptedServer, str]]:
    """Run a server; yields it and its address."""
    with ScriptedServer(script) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server, f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def refusing_first(refusals: list[Reply | None], right: bytes) -> Script:
    """Answer with `refusals` in order, then with the right body."""

    def script(_: Sent, before: int) -> Reply | None:
        return refusals[before] if before < len(refusals) else Reply(200, right)

    return script
