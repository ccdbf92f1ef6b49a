"""Start the servers to be load-tested: uvicorn, and Lambda's runtime interface emulator."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.in_container.events import request
from bench.lambda_image import IMAGE
from bench.load import Payload, ServerUnavailable, wait_until_ready
from bench.sections import CannotMeasure

_SAM: Final = Path(__file__).parent.parent / ".venv-sam"
_EMULATOR: Final = "aws-lambda-rie-x86_64"
_INVOCATIONS: Final = "/2015-03-31/functions/function/invocations"


class NoEmulator(CannotMeasure):
    """Lambda's runtime interface emulator, which comes with SAM CLI, is missing."""


@contextmanager
def uvicorn(probe: Payload) -> Iterator[str]:
    """Start one process, without its log; yield the URL to post images to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "handler", "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/classify"
            wait_until_ready(url, probe, lambda: process.poll() is None)
            yield url
        finally:
            process.terminate()


@contextmanager
def emulator(package: Path, probe: Payload) -> Iterator[str]:
    """Start the emulator with `package`; yield the URL to post API Gateway events to."""
    command = ["docker", "run", "--detach", "--publish=127.0.0.1::8080", f"--volume={package}:/var/task:ro"]
    command += [f"--volume={_emulator_path()}:/var/rapid/aws-lambda-rie:ro", IMAGE, "handler.http_entry.handler"]
    container = _docker(*command[1:])
    try:
        url = f"http://{_docker('port', container, '8080/tcp').splitlines()[0]}{_INVOCATIONS}"
        wait_until_ready(url, probe, lambda: _docker("inspect", "--format={{.State.Running}}", container) == "true")
        yield url
    except (ServerUnavailable, OSError) as error:
        raise ServerUnavailable(f"{error}; log of the emulator: {_log(container)[-2000:]}") from error
    finally:
        _docker("rm", "--force", container)


def as_event(payload: Payload) -> Payload:
    """Wrap `payload` in the event that API Gateway passes to the function."""
    event = json.dumps(request(payload.body, content_type=payload.content_type))
    return Payload(event.encode(), "application/json", json.dumps(payload.expected)[1:-1])


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def _log(container: str) -> str:
    return subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True).stderr


def _emulator_path() -> Path:
    """Raises NoEmulator."""
    if found := next(_SAM.rglob(_EMULATOR), None):
        return found
    raise NoEmulator("SAM CLI, which includes the emulator, is missing: make .venv-sam/ready")
