"""Terminal output: results on stdout, messages and a progress bar on stderr, without mixing up their lines."""

import os
import sys
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Never, TextIO

from handler.cli.errors import CannotWrite

if TYPE_CHECKING:
    from tqdm import tqdm


class Display:
    """Print results and messages; with more than one file, and stderr on a terminal, show a progress bar."""

    def __init__(self, total: int) -> None:
        self._bar = _progress_bar(total) if total > 1 and sys.stderr.isatty() else None

    def print_result(self, text: str) -> None:
        """Raises CannotWrite, or BrokenPipeError if nobody reads any more."""
        try:
            self._print(text, sys.stdout)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CannotWrite(f"the output cannot be written: {error.strerror}") from error

    def print_message(self, text: str) -> None:
        """Messages that cannot be written are dropped, such as on a full disk: the results are worth more."""
        try:
            self._print(text, sys.stderr)
        except OSError:
            sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  it stays open

    def advance(self) -> None:
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _print(self, text: str, stream: TextIO) -> None:
        # One write and a flush, so that an interruption leaves no half line.
        if self._bar is not None and stream.isatty():
            self._bar.write(f"{text}\n", file=stream, end="")
        else:
            stream.write(f"{text}\n")
        stream.flush()


def _progress_bar(total: int) -> "tqdm[Never] | None":
    try:
        from tqdm import tqdm  # noqa: PLC0415  an optional dependency
    except ModuleNotFoundError:
        return None
    tqdm.set_lock(RLock())  # the default lock works across processes, and on some systems starts another process
    return tqdm(total=total, unit="file", leave=False, dynamic_ncols=True)
