"""Requests to the HTTP function; prints the memory of the process in MB: {"peak": ..., "resident": {requests: ...}}.

First mixed pictures, of which the peak is; then small ones, as many as it takes to see a leak.
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
# In a process of its own, since to make the pictures takes memory, too.
_EVENTS = """
import json
from bench.in_container.events import mixed_pictures, request, small_png
print(json.dumps([request(picture) for picture in [small_png(), *mixed_pictures()]]))
"""


def main(mixed: int, small: int) -> None:
    """`small` requests follow `mixed` ones; the resident memory is looked at ten times."""
    event, *events = json.loads(subprocess.check_output([sys.executable, "-c", _EVENTS]))
    start = _megabytes("VmHWM")
    with redirect_stdout(io.StringIO()):
        for number in range(mixed):
            _answer(events[number % len(events)])
        peak, resident = _megabytes("VmHWM"), {mixed: _megabytes("VmRSS")}
        for step in range(1, _STEPS + 1):
            for _ in range(small // _STEPS):
                _answer(event)
            resident[mixed + step * small // _STEPS] = _megabytes("VmRSS")
    print(json.dumps({"start": start, "peak": peak, "resident": resident}))


def _answer(event: dict[str, Any]) -> None:
    reply = http_entry.handler(event, None)  # type: ignore[arg-type]  # nothing asks for the context
    if reply["statusCode"] != 200:
        raise SystemExit(reply["body"])


def _megabytes(name: str) -> float:
    """From Linux's own account of this process, in units of 1,000,000 bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
