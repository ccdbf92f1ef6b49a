"""How long this process took from its first line, or from its restoring, until it could serve; told once."""

from time import perf_counter

from handler import IMPORTED
from handler.lifecycle.snapstart import after_restore, seconds_since_restore


class ColdStart:
    """Made when everything else is."""

    def __init__(self) -> None:
        self._seconds: float | None
        self.end()
        after_restore(self._begin_again)

    def end(self) -> None:
        """Only now can this process serve; whoever asked before does not count."""
        self._seconds = perf_counter() - IMPORTED

    def told(self) -> float | None:
        """Seconds, to the first who asks; None to all others."""
        seconds, self._seconds = self._seconds, None
        return seconds

    def _begin_again(self) -> None:
        self._seconds = seconds_since_restore()
