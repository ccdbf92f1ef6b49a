"""Load-test a server with wrk: requests per second, latency percentiles and errors."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from bench.sections import CannotMeasure

_SCRIPT: Final = Path(__file__).with_suffix(".lua")


class NoWrk(CannotMeasure):
    """wrk, the load generator, is not installed."""


class ServerUnavailable(Exception):
    """The server to be measured does not respond."""


@dataclass(frozen=True)
class Payload:
    """The request body to send, and a text that each correct response contains."""

    body: bytes
    content_type: str
    expected: str


@dataclass(frozen=True)
class LoadResult:
    """Results of a run in which each connection sends its next request on receiving a response.

    Percentiles are in seconds.
    """

    requests_per_second: float
    p50: float
    p95: float
    p99: float
    responses: int
    errors: int  # wrong responses and failed connections


def need_wrk() -> None:
    """Raises NoWrk."""
    if not shutil.which("wrk"):
        raise NoWrk("wrk is missing: apt-get install wrk, or brew install wrk")


def load(url: str, payload: Payload, connections: int, seconds: int) -> LoadResult:
    """Run wrk with one thread. Raises NoWrk or ServerUnavailable."""
    need_wrk()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(payload.body)
        command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--timeout=10s"]
        command += [f"--script={_SCRIPT}", url, "--", file.name, payload.content_type, payload.expected]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerUnavailable(f"{url}: {done.stderr or done.stdout}")
    reported = json.loads(done.stdout.splitlines()[-1])
    right = reported["requests"] - reported["wrong"]
    return LoadResult(
        requests_per_second=right / (reported["microseconds"] / 1e6),
        **{name: reported[name] / 1e6 for name in ("p50", "p95", "p99")},
        responses=reported["requests"],
        errors=reported["wrong"] + reported["socket_errors"],
    )


def post(url: str, payload: Payload) -> str:
    """Return the body of one response. Raises URLError or ConnectionError."""
    request = Request(url, payload.body, {"Content-Type": payload.content_type})  # noqa: S310  only http
    with urlopen(request, timeout=30) as response:  # noqa: S310
        text: str = response.read().decode()
        return text


def wait_until_ready(url: str, payload: Payload, is_running: Callable[[], bool]) -> None:
    """Retry until the server responds. Raises ServerUnavailable if it ends, or after 60 s."""
    deadline = monotonic() + 60
    while is_running() and monotonic() < deadline:
        try:
            post(url, payload)
        except (URLError, ConnectionError):
            sleep(0.2)
        else:
            return
    raise ServerUnavailable(f"no response from {url}")
