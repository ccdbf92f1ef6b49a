"""Start a fresh process for each line of input, and print the seconds of its start by part: `starts.py KIND EVENT`.

This process includes an S3 server that responds immediately, for the worker's download and result.
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
    """S3 server with the same image at every key of bucket "uploads"; keeps the last object stored."""

    protocol_version = "HTTP/1.1"  # with HTTP/1.0, botocore waits a second for 100 Continue
    image = b""
    result = b""

    def do_GET(self) -> None:
        found = self.path.startswith("/uploads/")
        self._answer(200 if found else 404, self.image if found else b"<Error><Code>NoSuchKey</Code></Error>")

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
    Storage.image = b64decode(json.loads(Path(event_path).with_name("http.json").read_text())["body"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "S3_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    for _ in sys.stdin:
        print(json.dumps(measure_start(kind, event_path, environment)), flush=True)


def measure_start(kind: str, event_path: str, environment: dict[str, str]) -> dict[str, Any]:
    """Start one process; return the seconds of each part and in total, label, score and peak memory."""
    command = [
        sys.executable,
        "-P",
        str(_ONE_START),
        kind,
        event_path,
    ]  # -P: without the script's own folder in sys.path
    began = perf_counter()  # this clock is the same in all processes
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        line = cast("IO[str]", process.stdout).readline()
        total = perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{kind} failed")
    start = json.loads(line)
    result = json.loads(Storage.result if kind == "worker" else start["response"]["body"])
    return {
        "seconds": {"interpreter": start["started"] - began, **start["seconds"], "total": total},
        "label": result["label"],
        "score": result.get("score") or result["predictions"][0]["score"],
        "peak_mb": start["peak_mb"],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
