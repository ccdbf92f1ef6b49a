"""Run `sam` commands, as a user does."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.aws import CREDENTIALS
from tests.support.machine import PROJECT, missing

SAM = PROJECT / ".venv-sam" / "bin" / "sam"
HOST = "host.docker.internal"  # this machine, from inside a container
ENVIRONMENT = {**os.environ, **CREDENTIALS, "SAM_CLI_TELEMETRY": "0"}


def sam(*arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run `sam` in the project's root."""
    if not SAM.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    return subprocess.run(
        [SAM, *arguments], cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout, check=False
    )


def invoke(function: str, event: Path, *options: str) -> Any:
    """The response of `function` to the event in a file, from a new container."""
    completed = sam("local", "invoke", function, "--event", str(event), "--skip-pull-image", *options)
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)
