"""Measure cold starts: for each line of input, start a fresh process and print its seconds by part.

`python -m bench.in_container.starts MODULE`. This process includes an S3 server that responds immediately, for the
worker's download and result.
"""

import json
import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import IO, Any, cast

from bench.payloads import event, small_png, upload_event

_ONE_START = Path(__file__).with_name("one_start.py")
WORKER = "handler.s3_entry"


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


def main(module: str) -> None:
    Storage.image = small_png()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    Thread(target=server.serve_forever, daemon=True).start()
    search_path = os.environ["PYTHONPATH"].partition(":")[0]  # of the package alone
    environment = {
        **os.environ,
        "PYTHONPATH": search_path,
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
    }
    path = Path(tempfile.mkdtemp(), "event.json")
    path.write_text(json.dumps(upload_event(len(Storage.image)) if module == WORKER else event(Storage.image)))
    for _ in sys.stdin:
        print(json.dumps(measure_start(module, path, environment)), flush=True)


def measure_start(module: str, event_path: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Start one process; return the seconds of each part and in total, its response and peak memory."""
    command = [sys.executable, "-P", str(_ONE_START), module, str(event_path)]  # -P: without the script's folder
    began = perf_counter()  # this clock is the same in all processes
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        line = cast("IO[str]", process.stdout).readline()
        total = perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{module} failed")
    start = json.loads(line)
    seconds = {"interpreter": start["started"] - began, **start["seconds"], "total": total}
    response = Storage.result.decode() if module == WORKER else start["response"]
    return {"seconds": seconds, "response": response, "peak_mb": start["peak_mb"]}


if __name__ == "__main__":
    main(sys.argv[1])
