"""Watch a folder: yield image files once they are complete, by polling, which works on every file system.

Notifications of the system (inotify and the like) do not see what another machine writes to a network drive.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final

from handler.cli.inputs import Input, find_inputs

POLL_SECONDS: Final = 1.0
_SHARE_OF_TIME: Final = 10  # a large folder, which takes long to list, is listed less often

_Version = tuple[int, int, int]  # what changes with a file: its inode, size and time of modification


class FolderGone(OSError):
    """The watched folder does not exist any more."""


def arrivals(
    folder: str, stopped: Event, *, existing: bool, poll_seconds: float = POLL_SECONDS
) -> Iterator[list[Input]]:
    """Yield the image files in and below `folder` that arrive or change, as lists, until `stopped` is set.

    A file counts as complete when it has not changed from one listing to the next. With `existing`, the files that
    are there already come first. Memory grows with the number of files in the folder only. Raises FolderGone.
    """
    # Listed now, and not with the first `next`: what arrives after this call is new.
    return _arrivals(folder, stopped, {} if existing else _versions(folder), poll_seconds)


def _arrivals(folder: str, stopped: Event, done: dict[str, _Version], poll_seconds: float) -> Iterator[list[Input]]:
    growing: dict[str, _Version] = {}
    while not stopped.is_set():
        started = time.monotonic()
        versions = _versions(folder)
        changed = {path: version for path, version in versions.items() if done.get(path) != version}
        complete = {path: version for path, version in changed.items() if growing.get(path) == version}
        if complete:
            yield [Input(path) for path in complete]
        growing = {path: version for path, version in changed.items() if path not in complete}
        done = {path: version for path, version in done.items() if path in versions} | complete
        stopped.wait(max(poll_seconds, _SHARE_OF_TIME * (time.monotonic() - started)))


def _versions(folder: str) -> dict[str, _Version]:
    if not (folder and Path(folder).is_dir()):  # an empty path, as of an unset variable, is not the current folder
        raise FolderGone(f"there is no folder {folder!r}")
    versions = {}
    for path in (file.path for file in find_inputs([folder]).inputs if file.error is None):
        with suppress(OSError):  # it was deleted since
            status = Path(path).stat()
            versions[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return versions
