"""Run `python -m handler classify` in a subprocess."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support.machine import PROJECT

# Nothing else: no proxy, no API key, no certificate of this machine.
ENVIRONMENT = {"PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "handler", "classify", *arguments]


def classify(
    *arguments: str, cwd: Path, stdin: bytes = b"", variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run to completion, with `variables` added to the environment."""
    ended = subprocess.run(
        command(*arguments), cwd=cwd, env={**ENVIRONMENT, **variables}, input=stdin, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def start(*arguments: str, cwd: Path, **settings: Any) -> subprocess.Popen[bytes]:
    """Start without waiting."""
    return subprocess.Popen(command(*arguments), cwd=cwd, env=ENVIRONMENT, **settings)
