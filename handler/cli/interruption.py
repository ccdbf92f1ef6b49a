"""Ctrl-C and SIGTERM as a request to stop in good order."""

import os
import signal
from threading import Event
from types import FrameType
from typing import Final

INTERRUPTED: Final = 128 + signal.SIGINT  # the exit status that shells expect


def leave_at_once() -> None:
    """From here on Ctrl-C ends the process: nothing is done yet that could be lost.

    KeyboardInterrupt would not do: while a native library is loaded, it turns into an ImportError.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


class Interruption:
    """While it is entered, the first signal sets `requested`, and the second one ends the process at once."""

    def __init__(self) -> None:
        self.requested = Event()
        self.exit_status = 0
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> "Interruption":
        for number, handler in self._handlers.items():
            if handler is not signal.SIG_IGN:  # nohup and the like have their reasons
                signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _request(self, number: int, _: FrameType | None) -> None:
        self.requested.set()
        self.exit_status = 128 + number
        for each in self._handlers:
            signal.signal(each, signal.SIG_DFL)
