"""Measure cold starts of a package in a running container of Lambda's image."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bench.baselines.contenders import Contender
from bench.baselines.packages import Package
from bench.baselines.pythons import Interpreter
from bench.lambda_image import ENVIRONMENT, IMAGE

_IN_CONTAINER = Path(__file__).parent.parent / "in_container"
_SCRIPT = "/measure/starts.py"


@dataclass(frozen=True)
class Start:
    """One cold start: seconds by part and in total, and the result."""

    seconds: dict[str, float]
    label: str
    score: float
    peak_mb: float


@contextmanager
def starter(
    contender: Contender, package: Package, interpreter: Interpreter, events: Path
) -> Iterator[Callable[[], Start]]:
    """Run a container; yield a function that starts a fresh process of `contender` in it at each call."""
    mounts = [(package.folder, "/var/task"), (_IN_CONTAINER, "/measure"), (events, "/events")]
    command = ["docker", "run", "--rm", "--interactive", "--network=none", f"--entrypoint={interpreter.command}"]
    command += [*interpreter.docker, *(f"--volume={source}:{place}:ro" for source, place in mounts)]
    command += [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]
    event = "worker" if contender.kind == "worker" else "http"
    command += [IMAGE, _SCRIPT, contender.kind, f"/events/{event}.json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as container:
        stdin, stdout = cast("IO[str]", container.stdin), cast("IO[str]", container.stdout)

        def start() -> Start:
            print(file=stdin, flush=True)
            if not (line := stdout.readline()):
                raise RuntimeError(f"{contender.name} did not start in {IMAGE}; its output is above")
            return Start(**json.loads(line))

        yield start
