"""A line in, a fresh process's start by part out, until there are no more lines; `python starts.py KIND EVENT`.

An S3 that answers at once is part of this process, so that the worker can fetch its picture and store its result.
"""

import json
import os
import subprocess
import sys
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import IO, Any, cast

_ONE_START = Path(__file__).with_name("one_start.py")


class Storage(BaseHTTPRequestHandler):
    """Has the picture at every key of "uploads", and keeps the last result."""

    protocol_version = "HTTP/1.1"  # else botocore waits a second for leave to send
    picture = b""
    result = b""

    def do_GET(self) -> None:
        found = self.path.startswith("/uploads/")
        self._answer(200 if found else 404, self.picture if found else b"<Error><Code>NoSuchKey</Code></Error>")

    def do_PUT(self) -> None:
        Storage.result = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0123456789abcdef"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main(kind: str, event_path: str) -> None:
    Storage.picture = b64decode(json.loads(Path(event_path).with_name("http.json").read_text())["body"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "S3_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    for _ in sys.stdin:
        print(json.dumps(start(kind, event_path, environment)), flush=True)


def start(kind: str, event_path: str, environment: dict[str, str]) -> dict[str, Any]:
    """The seconds of each part and of all together, the label and score that were answered, the peak of memory."""
    command = [sys.executable, "-P", str(_ONE_START), kind, event_path]  # -P: beside it is nothing that Lambda has
    began = perf_counter()  # the clock of all processes
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        line = cast("IO[str]", process.stdout).readline()
        total = perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{kind} failed")
    found = json.loads(line)
    answer = json.loads(Storage.result if kind == "worker" else found["answer"]["body"])
    return {
        "seconds": {"interpreter": found["started"] - began, **found["seconds"], "total": total},
        "label": answer["label"],
        "score": answer.get("score") or answer["predictions"][0]["score"],
        "peak_mb": found["peak_mb"],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
