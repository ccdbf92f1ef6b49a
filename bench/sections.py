"""The words of a benchmark: a section has tables and plots, a table rows, and each number where it comes from."""

from dataclasses import dataclass, field


class CannotMeasure(Exception):
    """Something is missing on this machine; the message says what, and how to get it."""


Cell = str | int | float | None  # None: could not be measured, and a note of the section says why


@dataclass(frozen=True)
class Table:
    """`rows` of as many cells as there are `columns`; units are in the columns' names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {self.title!r} should have {len(self.columns)} cells, but is {row}")


@dataclass(frozen=True)
class Plot:
    """Lines over numbers, or groups of bars over names: `series` has for each name its points (x, y)."""

    name: str  # of the file, without suffix
    title: str
    x_label: str
    y_label: str
    series: dict[str, tuple[tuple[str | float, float], ...]]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Section:
    """What one benchmark found, how, and what is to be known of it (where something else wins, say)."""

    name: str  # as on the command line, and of its file
    title: str
    method: tuple[str, ...]  # sentences: warm-up, repetitions, what is alternated with what
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)  # of the packages that were measured
