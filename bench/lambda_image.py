"""Run benchmark scripts in Lambda's base image with a package, without a network, and ask them for results."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from bench.environments import run
from bench.results import CannotMeasure

IMAGE: Final = "public.ecr.aws/lambda/python:3.13-x86_64"
PYTHON: Final = "python3.13"
_BENCH: Final = Path(__file__).parent
_SAMPLES: Final = _BENCH.parent / "handler" / "static" / "samples"
# Set by Lambda, or required by the worker; nothing listens at the S3 endpoint, unless the script starts a server.
_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_REGION": "us-east-1",
    "PYTHONPATH": "/var/task:/measure",
    "RESULTS_BUCKET": "results",
    "S3_ENDPOINT_URL": "http://127.0.0.1:9",
}


class NoDocker(CannotMeasure):
    """Docker or Lambda's base image is missing."""


def need_image() -> None:
    """Pull Lambda's base image if it is missing. Raises NoDocker if that fails."""
    for command in ("inspect", "pull"):
        with suppress(CannotMeasure):
            run(["docker", "image", command, IMAGE])
            return
    raise NoDocker(f"install Docker, and start it; the image {IMAGE} is missing and cannot be pulled")


@contextmanager
def in_container(package: Path, script: str, *arguments: str) -> Iterator[Callable[[], Any]]:
    """Start the module bench.in_container.`script`; yield a function that asks it for its next result, of JSON.

    `package` is mounted read-only at /var/task. The function raises CannotMeasure if the script ends.
    """
    mounts = {package: "/var/task", _BENCH: "/measure/bench", _SAMPLES: "/samples"}
    command = ["docker", "run", "--rm", "--interactive", "--network=none", f"--entrypoint={PYTHON}"]
    command += [f"--volume={path.absolute()}:{place}:ro" for path, place in mounts.items()]
    command += [f"--env={name}={value}" for name, value in _ENVIRONMENT.items()]
    command += [IMAGE, "-m", f"bench.in_container.{script}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as container:
        stdin, stdout = cast("IO[str]", container.stdin), cast("IO[str]", container.stdout)

        def ask() -> Any:
            print(file=stdin, flush=True)
            if line := stdout.readline():
                return json.loads(line)
            raise CannotMeasure(f"{script} ended in {IMAGE}; its output is above")

        yield ask
