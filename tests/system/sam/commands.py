"""`sam` as a user calls it, and what it needs to be here."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.aws import CREDENTIALS
from tests.support.machine import PROJECT, missing

SAM = PROJECT / ".venv-sam" / "bin" / "sam"
HOST = "host.docker.internal"  # this machine, as containers call it
ENVIRONMENT = {**os.environ, **CREDENTIALS, "SAM_CLI_TELEMETRY": "0"}


def sam(*arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """In the project's root."""
    if not SAM.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    return subprocess.run(
        [SAM, *arguments], cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout, check=False
    )


def invoke(function: str, event: Path, *options: str) -> Any:
    """What `function` replies to the event in a file, in a container of its own."""
    done = sam("local", "invoke", function, "--event", str(event), "--skip-pull-image", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
