"""Processor time and memory of a running server: its process and all that it has started (Linux)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """Yield `pid` and the processes that it has started."""
    yield pid
    for thread in _files(pid, "task/*/children"):
        for child in thread.split():
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """Processor time of the tree, of ended processes as well."""
    return sum(_ticks(each) for each in tree(pid)) / _TICKS


def memory_mb(pid: int) -> float:
    """Memory of the tree in units of 1,000,000 bytes; pages that processes share count once (PSS)."""
    rollups = [text for each in tree(pid) for text in _files(each, "smaps_rollup")]
    return sum(int(text.partition("\nPss:")[2].split()[0]) for text in rollups) * 1024 / 1e6


def _ticks(pid: int) -> int:
    """User and system time, own and of ended children: fields 14 to 17 of /proc/PID/stat."""
    return sum(int(field) for text in _files(pid, "stat") for field in text.rpartition(")")[2].split()[11:15])


def _files(pid: int, pattern: str) -> Iterator[str]:
    for path in Path("/proc", str(pid)).glob(pattern):
        try:
            yield path.read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
