"""Observe and run the child processes that decode images."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.machine import PROJECT


def children(pid: int | str = "self") -> list[int]:
    """The child processes of a process, of all its threads (proc_pid_task(5))."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sorted(int(child) for task in tasks for child in _text(task / "children").split())


def decoders() -> list[int]:
    """The child processes of this one that decode."""
    return [pid for pid in children() if "decoder_child" in _text(Path(f"/proc/{pid}/cmdline"))]


def is_running(pid: int) -> bool:
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[:1] not in ([], ["Z"])


def _text(path: Path) -> str:
    """What /proc says of a process or a thread; nothing if it has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run(script: str, *arguments: str, cwd: Path = PROJECT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, in which warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=os.environ | environment,
    )
