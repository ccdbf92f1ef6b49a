"""Measure the HTTP function's memory; print {"peak": MB, "resident": {number of requests: MB}}.

The peak is taken after mixed images; many small ones follow, to detect a leak.
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
from bench.in_container.events import mixed_images, request, small_png
print(json.dumps([request(image) for image in [small_png(), *mixed_images()]]))
"""


def main(mixed: int, small: int) -> None:
    """Send `mixed` requests, then `small` ones, reading the resident memory ten times."""
    event, *events = json.loads(subprocess.check_output([sys.executable, "-c", _EVENTS]))
    start = _megabytes("VmHWM")
    with redirect_stdout(io.StringIO()):
        for number in range(mixed):
            _send(events[number % len(events)])
        peak, resident = _megabytes("VmHWM"), {mixed: _megabytes("VmRSS")}
        for step in range(1, _STEPS + 1):
            for _ in range(small // _STEPS):
                _send(event)
            resident[mixed + step * small // _STEPS] = _megabytes("VmRSS")
    print(json.dumps({"start": start, "peak": peak, "resident": resident}))


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
