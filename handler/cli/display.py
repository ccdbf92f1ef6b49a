"""Results on stdout, everything else on stderr, and a progress bar that leaves both whole."""

import sys
from threading import RLock
from typing import TYPE_CHECKING, Never, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm


class Display:
    """Prints while `total` files are classified; the bar is for a person who waits for more than one of them."""

    def __init__(self, total: int) -> None:
        self._bar = _progress_bar(total) if total > 1 and sys.stderr.isatty() else None

    def result(self, text: str) -> None:
        self._print(text, sys.stdout)

    def remark(self, text: str) -> None:
        self._print(text, sys.stderr)

    def advance(self) -> None:
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _print(self, text: str, stream: TextIO) -> None:
        # In one piece and flushed, so that what is interrupted does not end with half a line.
        if self._bar is not None and stream.isatty():
            self._bar.write(f"{text}\n", file=stream, end="")
        else:
            stream.write(f"{text}\n")
        stream.flush()


def _progress_bar(total: int) -> "tqdm[Never] | None":
    try:
        from tqdm import tqdm  # noqa: PLC0415  on Lambda, and where nobody looks, there is no need for it
    except ModuleNotFoundError:
        return None
    tqdm.set_lock(RLock())  # its own is for several processes, and on some systems starts one more
    return tqdm(total=total, unit="file", leave=False, dynamic_ncols=True)
