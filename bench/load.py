"""A server's address and what to post to it in, how it bears the load out: measured by wrk."""

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
    """There is no load generator to measure with."""


class DoesNotAnswer(Exception):
    """There is no server where one should be measured."""


@dataclass(frozen=True)
class Posted:
    """What is sent again and again, and a text that each answer must have."""

    body: bytes
    content_type: str
    expected: str


@dataclass(frozen=True)
class Load:
    """Of a while of requests, each connection sending the next when it has its answer; percentiles in seconds."""

    requests_per_second: float
    p50: float
    p95: float
    p99: float
    answers: int
    errors: int  # wrong answers, and connections that failed


def need_wrk() -> None:
    """Raises NoWrk."""
    if not shutil.which("wrk"):
        raise NoWrk("wrk is missing: apt-get install wrk, or brew install wrk")


def load(url: str, posted: Posted, connections: int, seconds: int) -> Load:
    """In one thread of wrk. Raises NoWrk or DoesNotAnswer."""
    need_wrk()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(posted.body)
        command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--timeout=10s"]
        command += [f"--script={_SCRIPT}", url, "--", file.name, posted.content_type, posted.expected]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DoesNotAnswer(f"{url}: {done.stderr or done.stdout}")
    told = json.loads(done.stdout.splitlines()[-1])
    right = told["requests"] - told["wrong"]
    return Load(
        requests_per_second=right / (told["microseconds"] / 1e6),
        **{name: told[name] / 1e6 for name in ("p50", "p95", "p99")},
        answers=told["requests"],
        errors=told["wrong"] + told["socket_errors"],
    )


def post(url: str, posted: Posted) -> str:
    """One answer. Raises URLError or ConnectionError."""
    request = Request(url, posted.body, {"Content-Type": posted.content_type})  # noqa: S310  it is http
    with urlopen(request, timeout=30) as reply:  # noqa: S310
        text: str = reply.read().decode()
        return text


def wait_until_it_answers(url: str, posted: Posted, runs: Callable[[], bool]) -> None:
    """Raises DoesNotAnswer."""
    give_up = monotonic() + 60
    while runs() and monotonic() < give_up:
        try:
            post(url, posted)
        except (URLError, ConnectionError):
            sleep(0.2)
        else:
            return
    raise DoesNotAnswer(f"nothing answers at {url}")
