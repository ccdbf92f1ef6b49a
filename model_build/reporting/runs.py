"""List and compare runs, as values and as tables."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from model_build.datasets.training_set import planned_epochs
from model_build.run_files import (
    CONFIG_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    RunError,
    is_own_run,
    load_config,
    read_history,
    read_json,
    require,
)

RUNS_DIR: Final = Path("runs")
_MISSING: Final = "–"  # a setting or a result that a run does not have
_SHIPPED: Final = "int8"  # the file whose accuracy, size and recall of each class are shown

Leaf = str | float | int | bool | None


@dataclass(frozen=True)
class Run:
    """A run, as read from its folder. `history` has a row for each epoch, `metrics` is None before evaluation."""

    folder: Path
    config: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    metrics: Mapping[str, Any] | None
    changed: datetime

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def best_epoch(self) -> Mapping[str, float]:
        """The last row of those with the best validation accuracy; empty before the first epoch has ended."""
        return max(reversed(self.history), key=lambda row: row["validation_accuracy"], default={})


@dataclass(frozen=True)
class Difference:
    """One setting or result of two runs."""

    name: str
    first: Leaf
    second: Leaf


def find(name: str, runs_dir: Path = RUNS_DIR) -> Path:
    """The folder of a run, by its name or its path. Raises RunError if it has no configuration."""
    for folder in (runs_dir / name, Path(name)):
        if (folder / CONFIG_FILE).is_file():
            return folder
    present = ", ".join(folder.name for folder in folders(runs_dir)) or "none"
    raise RunError(
        f"there is no run {name}: neither {runs_dir / name} nor {name} has a {CONFIG_FILE} (runs: {present})"
    )


def folders(runs_dir: Path = RUNS_DIR) -> list[Path]:
    """The folders of all runs."""
    return sorted(path.parent for path in runs_dir.glob(f"*/{CONFIG_FILE}"))


def read(folder: Path) -> Run:
    """Read the run in `folder`. Raises RunError if it has no configuration, or if one of its files is damaged."""
    config_path = require(folder, CONFIG_FILE, "train")
    history, metrics = folder / HISTORY_FILE, folder / METRICS_FILE
    latest = max(path.stat().st_mtime for path in (config_path, history, metrics) if path.is_file())
    return Run(
        folder,
        read_json(config_path),
        read_history(history) if history.is_file() else [],
        read_json(metrics) if metrics.is_file() else None,
        datetime.fromtimestamp(latest).astimezone(),
    )


def config_differences(first: Run, second: Run) -> list[Difference]:
    """The settings in which the runs differ."""
    names = dict.fromkeys([*first.config, *second.config])
    pairs = [Difference(name, _setting(first, name), _setting(second, name)) for name in names]
    return [pair for pair in pairs if pair.first != pair.second]


def result_differences(first: Run, second: Run) -> list[Difference]:
    """All results of both runs, whether they differ or not."""
    one, other = results(first), results(second)
    return [Difference(name, one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])]


def results(run: Run) -> Mapping[str, Leaf]:
    """Results of the best epoch, all metrics, and the recall of each class with the int8 file."""
    metrics = run.metrics or {}
    recall = {
        f"{_SHIPPED} recall {row['label']}": row["recall"] for row in metrics.get(_SHIPPED, {}).get("per_class", [])
    }
    best = {
        f"best epoch {name}": value
        for name, value in run.best_epoch.items()
        if name != "epoch" and not math.isnan(value)
    }
    return {"epochs done": len(run.history), **best, **dict(_numbers(metrics)), **recall}


def runs_table(runs: Sequence[Run]) -> Table:
    """A table of runs, the latest first."""
    table = Table("run", "dataset", title="Runs", title_justify="left")
    for name in ("epochs", "best validation", "int8 test", "size", "when"):
        table.add_column(name, justify="right")
    for run in sorted(runs, key=lambda run: run.changed, reverse=True):
        table.add_row(*_cells(run))
    return table


def comparison_tables(first: Run, second: Run) -> tuple[Table, Table]:
    """Tables of the settings that differ, and of the results side by side with their difference."""
    settings = Table("setting", first.name, second.name, title="Configuration", title_justify="left")
    for pair in config_differences(first, second):
        settings.add_row(pair.name, _written(pair.first), _written(pair.second))
    if not settings.rows:
        settings.add_row("(the same)", "", "")
    outcome = Table("result", title="Result", title_justify="left")
    for name in (first.name, second.name, "difference"):
        outcome.add_column(name, justify="right")
    for pair in result_differences(first, second):
        outcome.add_row(pair.name, _written(pair.first), _written(pair.second), _change(pair))
    return settings, outcome


def _cells(run: Run) -> tuple[str, ...]:
    int8 = (run.metrics or {}).get(_SHIPPED, {})
    return (
        run.name,
        str(run.config.get("dataset", _MISSING)),
        f"{len(run.history)}/{_planned_epochs(run)}",
        _percent(run.best_epoch.get("validation_accuracy")),
        _percent(int8.get("accuracy")),
        f"{int8['bytes'] / 1024:.0f} KiB" if "bytes" in int8 else _MISSING,
        f"{run.changed:%Y-%m-%d %H:%M}",
    )


def _planned_epochs(run: Run) -> Leaf:
    try:
        return planned_epochs(load_config(run.folder))
    except (RunError, KeyError):  # settings, or a dataset, of another version of model_build; or one's own classes
        return _setting(run, "epochs") if is_own_run(run.folder) else _MISSING


def _numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name} ")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value


def _setting(run: Run, name: str) -> Leaf:
    value = run.config.get(name, _MISSING)
    return value if isinstance(value, Leaf) else json.dumps(value)


def _change(pair: Difference) -> str:
    if not (isinstance(pair.first, int | float) and isinstance(pair.second, int | float)):
        return ""
    change = pair.second - pair.first
    return f"{change:+}" if isinstance(change, int) else f"{change:+.4f}"


def _written(value: Leaf) -> str:
    if value is None:
        return _MISSING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(share: float | None) -> str:
    return _MISSING if share is None else f"{100 * share:.2f} %"
