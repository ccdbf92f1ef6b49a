"""Measure requests to the HTTP function; print {name: {"cpu_seconds": [...], "peak_mb": ..., ...}}.

`python -m bench.in_container.usage ROUNDS NAME...`: names are like "PNG 28", "JPEG 4000" or "batch 64". The numbers are
the longer side in pixels, or the number of small images in one request.
"""

import json
import subprocess
import sys
from typing import Any

_ONE = """
import io, json, sys, time
from contextlib import redirect_stdout
from pathlib import Path
started = time.process_time()
from handler import http_entry
cold = time.process_time() - started
event, rounds = json.load(sys.stdin), int(sys.argv[1])
seconds = []
for _ in range(rounds + 1):
    with redirect_stdout(io.StringIO()):
        started = time.process_time()
        response = http_entry.handler(event, None)
        seconds.append(time.process_time() - started)
    assert response["statusCode"] == 200, response
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
print(json.dumps({"cold": cold, "cpu_seconds": seconds[1:], "response_bytes": len(response["body"]), "peak_mb": peak}))
"""
_EVENT = """
import json, sys
from bench.payloads import batch_event, encoded, event, noisy, small_png
kind, number = sys.argv[1], int(sys.argv[2])
if kind == "batch":
    data = [small_png()] * number
else:
    data = [small_png() if number == 28 else encoded(noisy(number), kind)]
print(json.dumps({"event": batch_event(data) if kind == "batch" else event(*data), "bytes": sum(map(len, data))}))
"""


def main(rounds: int, names: list[str]) -> None:
    """Measure each request in a process of its own, so that the peak memory is that of this request."""
    print(json.dumps({name: _usage(name, rounds) for name in names}), flush=True)


def _usage(name: str, rounds: int) -> dict[str, Any]:
    made = json.loads(subprocess.check_output([sys.executable, "-c", _EVENT, *name.split()]))
    command = [sys.executable, "-c", _ONE, str(rounds)]
    reported = subprocess.run(command, input=json.dumps(made["event"]), stdout=subprocess.PIPE, text=True, check=True)
    return {"bytes": made["bytes"], **json.loads(reported.stdout)}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
