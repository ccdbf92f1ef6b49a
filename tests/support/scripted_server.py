"""A real HTTP server that answers as a test tells it to: throttled, broken, slow, or rightly."""

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
    """A request that came in."""

    target: str
    headers: Mapping[str, str]  # their names in lower case
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


# Is given a request and how many came before it; None is to hang up without a word.
Script = Callable[[Sent, int], Reply | None]


class ScriptedServer(ThreadingHTTPServer):
    """Answers each POST by its script, and remembers what was sent."""

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.sent: list[Sent] = []
        self.connections = 0
        self._lock = Lock()

    def noted(self, sent: Sent) -> int:
        """How many came before it."""
        with self._lock:
            self.sent.append(sent)
            return len(self.sent) - 1

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed, or does not trust the certificate, is no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = Sent(self.path, headers, self.rfile.read(int(headers["content-length"])))
        reply = self.server.script(sent, self.server.noted(sent))
        if reply is None:
            return
        self.send_response(reply.status)
        for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its name in the base class
        """Nothing: the tests' output is for failures."""


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[ScriptedServer, str]]:
    """The server and its address."""
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


def after_refusals(refusals: list[Reply | None], right: bytes) -> Script:
    """Refuses as often as told, then answers rightly."""

    def script(_: Sent, before: int) -> Reply | None:
        return refusals[before] if before < len(refusals) else Reply(200, right)

    return script
