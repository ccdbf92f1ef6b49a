"""Things to do in, the seconds that each takes out: in turns, so that a busy moment of the machine meets all."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Spread:
    """Of repeated measurements in seconds: the median, and the quartiles below and above it."""

    median: float
    lower: float
    upper: float
    repetitions: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """At least two measurements."""
        lower, median, upper = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median, lower, upper, len(seconds))

    def milliseconds(self) -> str:
        """As in a table: the median, and the quartiles in parentheses."""
        median, lower, upper = (
            f"{each * 1e3:,.0f}" if each >= 1 else f"{each * 1e3:.3g}" for each in (self.median, self.lower, self.upper)
        )
        return f"{median} ({lower} to {upper})"


def in_turns(
    contenders: Mapping[str, Callable[[], object]], repetitions: int, *, calls: int = 1, warm_up: int = 3
) -> dict[str, Spread]:
    """Each of `contenders` is called `warm_up` times, then `repetitions` times `calls` in turn; seconds of one call."""
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
