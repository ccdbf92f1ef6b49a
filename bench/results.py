"""Data types of a benchmark's results: figures with a sample for each round, tables, and sections."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final


class CannotMeasure(Exception):
    """Something required is missing; the message is a sentence that says what, and how to get it."""


Cell = str | int | float | None  # None: not measured; a note of the section gives the reason
RATIO: Final = "x"


@dataclass(frozen=True)
class Figure:
    """One measured quantity. Samples of figures that are measured in turns belong together by their index."""

    name: str
    unit: str  # RATIO for one that divides two others
    samples: tuple[float, ...]
    more_is_better: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper one; of a single sample, that sample twice."""
        if len(self.samples) == 1:
            return self.samples[0], self.samples[0]
        lower, _, upper = statistics.quantiles(self.samples, n=4, method="inclusive")
        return lower, upper

    def __str__(self) -> str:
        """The median, with the quartiles in parentheses."""
        if len(self.samples) == 1:
            return number(self.median)
        lower, upper = self.quartiles
        return f"{number(self.median)} ({number(lower)} to {number(upper)})"


def ratio(name: str, own: Figure, other: Figure) -> Figure:
    """Divide `own` by `other`, round by round."""
    pairs = zip(own.samples, other.samples, strict=True)
    return Figure(name, RATIO, tuple(one / two for one, two in pairs), own.more_is_better)


def milliseconds(name: str, seconds: Iterable[float]) -> Figure:
    return Figure(name, "ms", tuple(1e3 * each for each in seconds))


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def winner(own: Figure, others: Sequence[Figure]) -> str:
    """Say in words which figure is best, and its share of the next (or of `own`, if that is not best).

    The figures are named after who was measured. There is no winner if the quartiles of the best two overlap.
    """
    first, second = sorted([own, *others], key=lambda each: each.median, reverse=own.more_is_better)[:2]
    (lower, upper), (other_lower, other_upper) = first.quartiles, second.quartiles
    if lower <= other_upper and other_lower <= upper:
        return f"even: {first.name} and {second.name}"
    beaten = second if first is own else own
    return f"{first.name}: {number(first.median / beaten.median)} times {beaten.name}"


@dataclass(frozen=True)
class Table:
    """A table; each row has a cell for each of `columns`, whose names include the units."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {self.title!r} should have {len(self.columns)} cells, but is {row}")


@dataclass(frozen=True)
class Section:
    """Results of one benchmark."""

    name: str  # on the command line, and of the result file
    title: str
    method: tuple[str, ...]  # sentences: warm-up, repetitions, order of the measurements
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)  # of the measured packages
