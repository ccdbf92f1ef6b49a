"""Emulate Lambda's Runtime API, and run a function in AWS's own runtime client."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.support.machine import PROJECT

_API = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Invoked:
    """The responses to all events, the JSON lines of the log, and the runtime's requests in order."""

    replies: list[Any]
    log: list[dict[str, Any]]
    asked: list[str]


def invoke(handler: str, events: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> Invoked:
    """Run `handler` on `events`, with SnapStart and JSON logs."""
    with _RuntimeApi(events) as api:
        settings = {
            "AWS_LAMBDA_FUNCTION_NAME": "clothes",
            "AWS_LAMBDA_FUNCTION_VERSION": "7",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
            "AWS_REGION": "us-east-1",
        }
        command = [sys.executable, "-m", "awslambdaric", handler]
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            api.done.wait(60)
            process.kill()
            output, _ = process.communicate()
    assert api.done.is_set(), output
    return Invoked(api.replies, [json.loads(line) for line in output.splitlines() if line.startswith("{")], api.asked)


class _RuntimeApi(ThreadingHTTPServer):
    """The HTTP API from which a runtime receives events."""

    daemon_threads = True

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.events, self.replies, self.asked, self.done = list(events), list[Any](), list[str](), Event()

    def __enter__(self) -> "_RuntimeApi":
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Request(BaseHTTPRequestHandler):
    server: _RuntimeApi

    def do_GET(self) -> None:
        asked = self.path.removeprefix(_API)
        self.server.asked.append(asked)
        if asked == "invocation/next" and not self.server.events:
            self.server.done.set()
            return
        event = self.server.events.pop(0) if asked == "invocation/next" else {}
        self._answer(200, json.dumps(event).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.replies.append(json.loads(body))
        self._answer(202, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Lambda-Runtime-Aws-Request-Id", f"invocation-{len(self.server.replies) + 1}")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Do not log."""
