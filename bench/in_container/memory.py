"""Measure the HTTP function's memory; print {"peak": MB, "resident": {number of requests: MB}}.

`python -m bench.in_container.memory MIXED SMALL`: the peak is taken after MIXED images of all sizes; SMALL ones follow,
to detect a leak.
"""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from handler import http_entry

_STEPS = 10
# In a process of its own, as making the images takes memory too.
_EVENTS = """
import json
from bench.payloads import event, mixed_images, small_png
print(json.dumps([event(image) for image in [small_png(), *mixed_images()]]))
"""


def main(mixed: int, small: int) -> None:
    """Send the requests, reading the resident memory ten times."""
    first, *events = json.loads(subprocess.check_output([sys.executable, "-c", _EVENTS]))
    with redirect_stdout(io.StringIO()):
        for number in range(mixed):
            _send(events[number % len(events)])
        peak, resident = _megabytes("VmHWM"), {mixed: _megabytes("VmRSS")}
        for step in range(1, _STEPS + 1):
            for _ in range(small // _STEPS):
                _send(first)
            resident[mixed + step * small // _STEPS] = _megabytes("VmRSS")
    print(json.dumps({"peak": peak, "resident": resident}), flush=True)


def _send(event: dict[str, Any]) -> None:
    response = http_entry.handler(event, None)
    if response["statusCode"] != 200:
        raise SystemExit(response["body"])


def _megabytes(name: str) -> float:
    """Read the field `name` of /proc/self/status, in units of 1,000,000 bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
