"""Time functions in turns, so that background load on the machine affects all of them alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Spread:
    """Median, lower and upper quartile of repeated measurements in seconds."""

    median: float
    lower: float
    upper: float
    repetitions: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Summarize at least two measurements."""
        lower, median, upper = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median, lower, upper, len(seconds))

    def milliseconds(self) -> str:
        """Format for a table: the median, with the quartiles in parentheses."""
        median, lower, upper = (
            f"{each * 1e3:,.0f}" if each >= 1 else f"{each * 1e3:.3g}" for each in (self.median, self.lower, self.upper)
        )
        return f"{median} ({lower} to {upper})"


def in_turns(
    contenders: Mapping[str, Callable[[], object]], repetitions: int, *, calls: int = 1, warm_up: int = 3
) -> dict[str, Spread]:
    """Call each of `contenders` `warm_up` times; then, `repetitions` times, each in turn `calls` times.

    Returns the seconds of one call.
    """
    for contender in contenders.values():
        for _ in range(warm_up):
            contender()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, contender in contenders.items():
            started = perf_counter()
            for _ in range(calls):
                contender()
            seconds[name].append((perf_counter() - started) / calls)
    return {name: Spread.of(each) for name, each in seconds.items()}
