"""Progress on standard error: bars on a terminal; a line a stage and a minute in a log file."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, TypeVar

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import track as rich_track

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES: Final = 60.0

log = logging.getLogger(__name__)


def log_to_stderr() -> None:
    """Log the stages, and warnings of the libraries."""
    console = Console(stderr=True)
    if console.is_terminal:
        logging.basicConfig(
            level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console, show_path=False)]
        )
    else:  # a file has lines of its own width, without colours
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for noisy in ("onnx_ir", "onnxscript", "torch", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    """Yield `items`; the bar goes to standard error, and only to a terminal."""
    console = Console(stderr=True)
    return rich_track(items, description, total=total, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def announced(stage: str, seconds_between_lines: float = _SECONDS_BETWEEN_LINES) -> Iterator[None]:
    """Log when `stage` begins and ends; where no bar can show it, also that it goes on."""
    log.info("%s: begins", stage)
    started, ended = time.monotonic(), Event()

    def report() -> None:
        while not ended.wait(seconds_between_lines):
            log.info("%s: goes on, after %s", stage, _duration(started))

    reporter = Thread(target=report, daemon=True)
    if not sys.stderr.isatty():
        reporter.start()
    try:
        yield
    finally:
        ended.set()
        if reporter.is_alive():
            reporter.join()  # or its line might follow the last one
    log.info("%s: done in %s", stage, _duration(started))


def _duration(started: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
