"""Compare two sets of saved results: which figures differ by more than noise, and by how much.

`python -m bench compare A B`, where each is a folder of results or one file. Samples of one run vary less than runs do,
so ratios that were taken within each run are compared; they stay the same when the whole machine is slower.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Final

from bench.report import Saved, figures, read
from bench.results import RATIO, Figure, Table, number

_LEAST_CHANGE: Final = 0.03  # smaller ones are never called a difference: layout of memory alone can cause them
_CHANCE: Final = 0.01
_MOST_SPLITS: Final = 20_000


def load(path: Path) -> list[Saved]:
    """Raises ValueError if there are no results at `path`."""
    paths = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not paths or not all(each.exists() for each in paths):
        raise ValueError(f"no results in {path}")
    return [read(each) for each in paths]


def compare(before: Sequence[Saved], after: Sequence[Saved], *, everything: bool = False) -> Table:
    """One row for each figure of both: ratios and single values, or, with `everything`, absolute times as well."""
    old, new = ({each.name: each for each in figures(saved)} for saved in (before, after))
    rows = tuple(
        (
            name,
            str(old[name]),
            str(new[name]),
            f"{new[name].median / old[name].median - 1:+.1%}",
            verdict(old[name], new[name]),
        )
        for name in new
        if name in old and old[name].median and (everything or _is_comparable(new[name]))
    )
    return Table("Comparison", ("figure", "before", "after", "change", "verdict"), rows)


def verdict(before: Figure, after: Figure) -> str:
    """Say "better" or "worse" only for a change that chance hardly explains: a permutation test of the medians."""
    change = after.median / before.median - 1
    if abs(change) < _LEAST_CHANGE or chance_of(before.samples, after.samples) > _CHANCE:
        return "noise"
    return "better" if (change > 0) == after.more_is_better else "worse"


def chance_of(before: Sequence[float], after: Sequence[float]) -> float:
    """The probability that random assignment of all samples to two groups gives rank sums as different as these.

    The exact permutation test of Wilcoxon (1945), up to _MOST_SPLITS assignments; beyond, its normal approximation.
    Single values differ if they differ at all.
    """
    if len(before) == len(after) == 1:
        return 0.0
    pooled = [*before, *after]
    ranks = [sum(one < other for one in pooled) + (sum(one == other for one in pooled) + 1) / 2 for other in pooled]
    size, expected = len(before), len(before) * (len(pooled) + 1) / 2
    off = abs(sum(ranks[:size]) - expected)
    if comb(len(pooled), size) > _MOST_SPLITS:
        return _normal_chance(off, len(before), len(after))
    splits = [abs(sum(split) - expected) >= off - 1e-9 for split in combinations(ranks, size)]
    return sum(splits) / len(splits)


def _normal_chance(off: float, one: int, other: int) -> float:
    from statistics import NormalDist  # noqa: PLC0415

    return 2 * (1 - NormalDist().cdf(off / (one * other * (one + other + 1) / 12) ** 0.5))


def _is_comparable(figure: Figure) -> bool:
    return figure.unit == RATIO or len(figure.samples) == 1


def summary(table: Table) -> str:
    verdicts = [str(row[-1]) for row in table.rows]
    counts = ", ".join(f"{number(verdicts.count(name))} {name}" for name in ("better", "worse", "noise"))
    return f"{len(verdicts)} figures: {counts}."
