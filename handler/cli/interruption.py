"""Handle Ctrl-C and SIGTERM: the first one stops after the finished files, the second one at once."""

import os
import signal
from threading import Event
from types import FrameType
from typing import Final

INTERRUPTED: Final = 128 + signal.SIGINT  # the exit status that shells expect


def exit_on_interrupt() -> None:
    """Let Ctrl-C exit the process at once, while there are no results yet that could be lost.

    A KeyboardInterrupt raised while a native library loads would become an ImportError.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _exit)


def _exit(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


class Interruption:
    """Context manager: the first signal sets `requested`, the second one ends the process at once."""

    def __init__(self) -> None:
        self.requested = Event()
        self.exit_status = 0
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> "Interruption":
        for number, handler in self._handlers.items():
            if handler is not signal.SIG_IGN:  # ignored on purpose, as by nohup
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
