"""`python -m handler classify`, as a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support.machine import PROJECT

# Nothing else: no proxy, no key, no certificate of the machine that tests.
ENVIRONMENT = {"PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "handler", "classify", *arguments]


def classify(
    *arguments: str, cwd: Path, stdin: bytes = b"", variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """The ended process, with what it printed; `variables` are added to its environment."""
    ended = subprocess.run(
        command(*arguments), cwd=cwd, env={**ENVIRONMENT, **variables}, input=stdin, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def start(*arguments: str, cwd: Path, **settings: Any) -> subprocess.Popen[bytes]:
    """The process, still running."""
    return subprocess.Popen(command(*arguments), cwd=cwd, env=ENVIRONMENT, **settings)
