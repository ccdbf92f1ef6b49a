"""Run a benchmark script in Lambda's base image with the built package, and return its JSON output."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.sections import CannotMeasure
from infra.packaging.package import main as build_package

IMAGE: Final = "public.ecr.aws/lambda/python:3.13-x86_64"
PYTHON: Final = "python3.13"
_BENCH: Final = Path(__file__).parent
_SAMPLES: Final = Path(__file__).parent.parent / "handler" / "static" / "samples"

# Set by Lambda, or required by the worker
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_REGION": "us-east-1",
    "PYTHONPATH": "/var/task",
    "RESULTS_BUCKET": "results",
}
# Nothing listens at the S3 endpoint, unless the script starts a server.
_SCRIPT_ENVIRONMENT: Final = {
    **ENVIRONMENT,
    "PYTHONPATH": "/var/task:/measure",
    "S3_ENDPOINT_URL": "http://127.0.0.1:9",
}


class NoDocker(CannotMeasure):
    """Docker or Lambda's base image is missing."""


@contextmanager
def built_package() -> Iterator[Path]:
    """Build the package as `sam build` does for an x86_64 function; yield its temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        build_package(Path(folder, "package"))
        yield Path(folder, "package")


def run_in_container(package: Path, script: str, *arguments: str) -> Any:
    """Run the module bench.in_container.`script`; return its last line of output, parsed from JSON.

    `package` is mounted read-only at /var/task, without a network. The interpreter is the image's.
    Raises NoDocker, or RuntimeError if the script fails.
    """
    if not shutil.which("docker"):
        raise NoDocker("install Docker, and start it")
    mounts = {package: "/var/task", _BENCH: "/measure/bench", _SAMPLES: "/samples"}
    command = ["docker", "run", "--rm", "--network=none", f"--entrypoint={PYTHON}"]
    command += [f"--volume={path.absolute()}:{place}:ro" for path, place in mounts.items()]
    command += [f"--env={name}={value}" for name, value in _SCRIPT_ENVIRONMENT.items()]
    command += [IMAGE, "-m", f"bench.in_container.{script}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode in (125, 127):
        raise NoDocker(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"{script} failed in {IMAGE}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
