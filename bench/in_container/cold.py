"""Measure cold starts in fresh processes, in turns; print {contender: {part: [seconds, ...]}}.

This process includes an S3 server that responds immediately, for the worker's first image.
"""

import json
import subprocess
import sys
import tempfile
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from bench.in_container.events import request, small_png
from bench.in_container.starts import Storage

# Each process prints the seconds of its consecutive parts.
_START = "import json, sys, time; laps = {}; last = time.perf_counter()\n"
_LAP = "\nnow = time.perf_counter(); laps[{0!r}] = now - last; last = now\n"
_END = "\nprint(json.dumps(laps))"

_HTTP_FIRST = """
event = json.load(open(sys.argv[1]))
last = time.perf_counter()
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    response = handler.http_entry.handler(event["http"], None)
assert response["statusCode"] == 200, response
"""
_WORKER_FIRST = """
event = json.load(open(sys.argv[1]))
class Context:
    def get_remaining_time_in_millis(self): return 60_000
last = time.perf_counter()
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    response = handler.s3_entry.handler(event["worker"], Context())
assert response == {"batchItemFailures": []}, response
"""
_SESSION = """
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
onnxruntime.InferenceSession("/var/task/handler/model/classifier.onnx", options, providers=["CPUExecutionProvider"])
"""

CONTENDERS = {
    "imports": [("imports", "import fastapi, mangum, onnxruntime, PIL.Image")],
    "http": [("imports", "import handler.http_entry"), ("first image", _HTTP_FIRST)],
    "worker": [("imports", "import handler.s3_entry"), ("first image", _WORKER_FIRST)],
    "session": [("import onnxruntime", "import onnxruntime"), ("session", _SESSION)],
}


def main(rounds: int) -> None:
    Storage.image = small_png()
    events = Path(tempfile.mkdtemp(), "events.json")
    events.write_text(json.dumps({"http": request(Storage.image), "worker": _upload()}))
    server = ThreadingHTTPServer(("127.0.0.1", 9), Storage)
    Thread(target=server.serve_forever, daemon=True).start()
    seconds_by_part: dict[str, dict[str, list[float]]] = {name: {} for name in CONTENDERS}
    for turn in range(rounds + 1):  # the first fills the page cache
        for name, parts in CONTENDERS.items():
            for part, seconds in _measured(parts, str(events)).items():
                if turn:
                    seconds_by_part[name].setdefault(part, []).append(seconds)
    print(json.dumps(seconds_by_part))


def _measured(parts: list[tuple[str, str]], events: str) -> dict[str, float]:
    code = _START + "".join(body + _LAP.format(part) for part, body in parts) + _END
    done = subprocess.run([sys.executable, "-c", code, events], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    laps: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return laps


def _upload() -> dict[str, object]:
    detail = {
        "bucket": {"name": "uploads"},
        "object": {"key": "a.png", "size": len(Storage.image), "sequencer": "01"},
    }
    body = {"detail-type": "Object Created", "time": "2026-01-01T00:00:00Z", "detail": detail}
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(body)}]}


if __name__ == "__main__":
    main(int(sys.argv[1]))
