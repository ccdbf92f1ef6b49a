"""Measure the cold start: from the first line of this package, or from a SnapStart restore, until ready to serve."""

from time import perf_counter

from handler import IMPORTED
from handler.lifecycle.snapstart import after_restore, seconds_since_restore


class ColdStart:
    """The duration of this process's cold start, reported with its first request only."""

    def __init__(self) -> None:
        self._seconds: float | None
        self.finish()
        after_restore(self._restart)

    def finish(self) -> None:
        """Call last, after all imports and the warm-up; discards earlier readings."""
        self._seconds = perf_counter() - IMPORTED

    def take(self) -> float | None:
        """The seconds for the first caller; None for all others."""
        seconds, self._seconds = self._seconds, None
        return seconds

    def _restart(self) -> None:
        self._seconds = seconds_since_restore()
