"""How long this process took from its first line until it could serve; told once, to the first who asks."""

from time import perf_counter

from handler import IMPORTED


class ColdStart:
    """Made when everything else is."""

    def __init__(self) -> None:
        self._seconds: float | None = perf_counter() - IMPORTED

    def told(self) -> float | None:
        """Seconds, to the first who asks; None to all others."""
        seconds, self._seconds = self._seconds, None
        return seconds

    def restored(self, since: float) -> None:
        """From now on, the start is the restoring of a snapshot, which began at `since` on this machine's clock."""
        self._seconds = perf_counter() - since
