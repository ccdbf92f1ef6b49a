"""Requests of many sizes to the HTTP function; prints what one takes: {name: {"cpu_seconds": [...], ...}}.

`python -m bench.in_container.usage ROUNDS NAME...`: a name is "PNG 28", "JPEG 4000" or "batch 64". The numbers are
the longer side in pixels, and how many small pictures are in one request.
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
seconds, replied = [], 0
for _ in range(rounds + 1):
    with redirect_stdout(io.StringIO()):
        started = time.process_time()
        reply = http_entry.handler(event, None)
        seconds.append(time.process_time() - started)
    assert reply["statusCode"] == 200, reply
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
print(json.dumps({"cold": cold, "cpu_seconds": seconds[1:], "reply_bytes": len(reply["body"]), "peak_mb": peak}))
"""
_EVENT = """
import json, sys
from bench.in_container.events import batch_request, encoded, picture, request, small_png
kind, number = sys.argv[1], int(sys.argv[2])
data = [small_png()] * number if kind == "batch" else [encoded(picture(number), kind)]
event = batch_request(data) if kind == "batch" else request(*data)
print(json.dumps({"event": event, "bytes": sum(map(len, data))}))
"""


def main(rounds: int, names: list[str]) -> None:
    """Each in a process of its own, whose memory is that of this request alone."""
    print(json.dumps({name: _spent(name, rounds) for name in names}))


def _spent(name: str, rounds: int) -> dict[str, Any]:
    made = json.loads(subprocess.check_output([sys.executable, "-c", _EVENT, *name.split()]))
    command = [sys.executable, "-c", _ONE, str(rounds)]
    told = subprocess.run(command, input=json.dumps(made["event"]), stdout=subprocess.PIPE, text=True, check=True)
    return {"bytes": made["bytes"], **json.loads(told.stdout)}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
