"""Another process that holds a lock, until it is sent a line or its input ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.machine import PROJECT

_HOLD: Final = """
import pathlib, sys
from model_build.locks import locked
with locked(pathlib.Path(sys.argv[1]), waits=True):
    print("locked", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def holding(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock of the file at `path`; `communicate` lets it go."""
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
