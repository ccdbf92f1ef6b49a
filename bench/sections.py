"""Data types of a benchmark's results: sections, tables and plots."""

from dataclasses import dataclass, field


class CannotMeasure(Exception):
    """A required tool is missing; the message says which, and how to install it."""


Cell = str | int | float | None  # None: not measured; a note of the section gives the reason


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
class Plot:
    """A line plot if x is numeric, or grouped bars if x is text. `series` maps each name to its points (x, y)."""

    name: str  # file name without suffix
    title: str
    x_label: str
    y_label: str
    series: dict[str, tuple[tuple[str | float, float], ...]]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Section:
    """Results of one benchmark: its method, tables, plots, and notes such as where a baseline is faster."""

    name: str  # on the command line, and of the result file
    title: str
    method: tuple[str, ...]  # sentences: warm-up, repetitions, order of the measurements
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)  # of the measured packages
