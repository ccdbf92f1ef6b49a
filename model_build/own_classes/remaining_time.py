"""Time that is left of a training, from the epochs that have ended."""

import time


class Remaining:
    """Counts epochs from now on; early stopping may end them sooner."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._done, self._started = epochs, 0, time.monotonic()

    def after_epoch(self) -> str:
        self._done += 1
        each = (time.monotonic() - self._started) / self._done
        left = each * (self._epochs - self._done)
        minutes = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        return f"{each:.0f} s an epoch, at most {minutes} left"
