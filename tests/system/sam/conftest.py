"""Fixtures: the output of `sam build`, and the API under `sam local start-api`."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.aws import RESULTS, UPLOADS
from tests.support.machine import PROJECT, free_port, missing
from tests.support.waiting import wait_until_healthy
from tests.system.sam.commands import ENVIRONMENT, HOST, SAM, sam

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


@pytest.fixture(scope="package")
def image() -> str:
    """Lambda's Docker image, pulled if necessary."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        missing("Docker is not running")
    is_present = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
    if not is_present and subprocess.run(["docker", "pull", IMAGE], capture_output=True, check=False).returncode:
        missing(f"the image {IMAGE} cannot be pulled")
    return IMAGE


@pytest.fixture(scope="package")
def package() -> Path:
    """The folder with the output of `sam build`."""
    built = sam("build")
    assert built.returncode == 0, built.stderr
    return PROJECT / ".aws-sam" / "build"


@pytest.fixture(scope="package")
def emulated_s3(aws_port: int, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of `sam local` that connect the functions to the emulated AWS."""
    endpoint = f"http://{HOST}:{aws_port}"
    variables = {"S3_ENDPOINT_URL": endpoint, "UPLOADS_BUCKET": UPLOADS, "RESULTS_BUCKET": RESULTS}
    path = tmp_path_factory.mktemp("sam") / "variables.json"
    path.write_text(json.dumps({"HttpFunction": variables, "WorkerFunction": variables}))
    return ["--env-vars", str(path), "--add-host", f"{HOST}:host-gateway"]


@pytest.fixture(scope="package")
def emulator(
    package: Path,  # noqa: ARG001
    image: str,  # noqa: ARG001
    emulated_s3: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of the API under `sam local start-api`."""
    port = free_port()
    command = [str(SAM), "local", "start-api", "--port", str(port), "--warm-containers", "EAGER", "--skip-pull-image"]
    command += emulated_s3
    log_path = tmp_path_factory.mktemp("sam") / "log.txt"
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process, log_path.read_text)
        yield address
    finally:
        process.terminate()  # SAM removes its containers; after SIGINT it sometimes leaves one behind
        process.wait(timeout=60)
        # Sometimes SAM creates a second container for a function and forgets the first.
        created = re.findall(r"SAM_CONTAINER_ID: (\w+)", log_path.read_text())
        subprocess.run(["docker", "rm", "--force", *created], capture_output=True, check=False)
