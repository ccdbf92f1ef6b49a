"""Locks between processes, on files that stay: the system releases the lock of a process that ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]


class Locked(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, waits: bool) -> Iterator[None]:
    """Hold the lock of the file at `path`. Raises Locked if another process has it, unless this one `waits`.

    Processes that are forked meanwhile do not hold it, so it never outlives the one that took it.
    """
    with path.open("w") as file:
        if fcntl is not None:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except (BlockingIOError, PermissionError) as error:
                raise Locked(path) from error
            except OSError:  # a network drive without locks
                pass
        yield
