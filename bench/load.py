"""Load-test a server with wrk: requests per second and errors."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from urllib.request import Request, urlopen

from bench.results import CannotMeasure

_SCRIPT: Final = Path(__file__).with_suffix(".lua")
_READY_SECONDS: Final = 60


class ServerUnavailable(CannotMeasure):
    """The server to be measured does not respond."""


@dataclass(frozen=True)
class Payload:
    """A request, and bytes that each correct response contains."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: bytes = b""


@dataclass(frozen=True)
class LoadResult:
    """Results of a run in which each connection sends its next request on receiving a response."""

    requests_per_second: float  # only correct responses
    responses: int
    errors: int  # wrong responses and failed connections


def need_wrk() -> None:
    """Raises CannotMeasure."""
    if not shutil.which("wrk"):
        raise CannotMeasure("wrk is missing: apt-get install wrk, or brew install wrk")


def load(url: str, payload: Payload, connections: int, seconds: int) -> LoadResult:
    """Run wrk with one thread. Raises ServerUnavailable."""
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--timeout=10s"]
    command += [f"--header={name}: {value}" for name, value in payload.headers.items()]
    with tempfile.TemporaryDirectory() as folder:
        body, expected = Path(folder, "body"), Path(folder, "expected")
        body.write_bytes(payload.body)
        expected.write_bytes(payload.expected)
        command += [f"--script={_SCRIPT}", url, "--", str(body), str(expected)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerUnavailable(f"{url}: {done.stderr or done.stdout}")
    reported = json.loads(done.stdout.splitlines()[-1])
    right = reported["requests"] - reported["wrong"]
    return LoadResult(
        right / (reported["microseconds"] / 1e6),
        reported["requests"],
        reported["wrong"] + reported["socket_errors"],
    )


def post(url: str, payload: Payload, timeout_seconds: float = 30) -> bytes:
    """Return the body of one response. Raises OSError."""
    request = Request(url, payload.body, dict(payload.headers))  # noqa: S310  only http
    with urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
        content: bytes = response.read()
        return content


def wait_until_ready(url: str, payload: Payload, is_running: Callable[[], bool]) -> None:
    """Retry until the server responds. Raises ServerUnavailable if it ends, or after a minute."""
    deadline = monotonic() + _READY_SECONDS
    while is_running() and monotonic() < deadline:
        try:
            post(url, payload, timeout_seconds=5)
        except OSError:
            sleep(0.02)
        else:
            return
    raise ServerUnavailable(f"no response from {url}")
