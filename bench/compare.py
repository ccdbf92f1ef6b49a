"""Compare two sets of saved results: which figures differ by more than noise, and by how much.

`python -m bench compare A B`, where each is a folder of results or one file. Samples of one run vary less than runs do,
so ratios that were taken within each run are compared; they stay the same when the whole machine is slower.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scipy.stats import mannwhitneyu

from bench.report import Saved, figures, read
from bench.results import RATIO, Figure, Table

_LEAST_CHANGE: Final = 0.03  # smaller ones are never called a difference: layout of memory alone can cause them
_CHANCE: Final = 0.01


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
        if name in old and old[name].median and (everything or new[name].unit == RATIO or len(new[name].samples) == 1)
    )
    return Table("Comparison", ("figure", "before", "after", "change", "verdict"), rows)


def verdict(before: Figure, after: Figure) -> str:
    """Say "better" or "worse" only for a change that chance hardly explains: a rank test."""
    change = after.median / before.median - 1
    if abs(change) < _LEAST_CHANGE or chance_of(before.samples, after.samples) > _CHANCE:
        return "noise"
    return "better" if (change > 0) == after.more_is_better else "worse"


def chance_of(before: Sequence[float], after: Sequence[float]) -> float:
    """The probability of ranks as different as these if nothing has changed (Mann and Whitney 1947).

    Single values differ if they differ at all.
    """
    if len(before) == len(after) == 1:
        return 0.0
    return float(mannwhitneyu(before, after).pvalue)
