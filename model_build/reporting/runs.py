"""Folders of runs in, what they were and how they differ out, as values and as tables."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from model_build.config import CONFIG_FILE, Config
from model_build.datasets.training_set import planned_epochs
from model_build.release.evaluate import METRICS_FILE
from model_build.training.train import HISTORY_FILE

RUNS_DIR: Final = Path("runs")
_NOT_THERE: Final = "–"  # a setting that a run did not have yet, or a result that it does not have
_COUNTED_BY_CLASS: Final = "int8"  # the file whose recall of each class is compared: it is the one that ships

Leaf = str | float | int | bool | None


class RunError(Exception):
    """A run is not there, or has not come far enough; the message says which stage is missing."""


@dataclass(frozen=True)
class Run:
    """What a run's folder tells. `history` has a row for each epoch, `metrics` is None before evaluation."""

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
        """The row of the epoch whose weights were kept; empty before the first epoch has ended."""
        return max(reversed(self.history), key=lambda row: row["validation_accuracy"], default={})


@dataclass(frozen=True)
class Difference:
    """One thing that two runs do not share."""

    name: str
    first: Leaf
    second: Leaf


def find(name: str, runs_dir: Path = RUNS_DIR) -> Path:
    """The folder of a run, by its name or by its path. Raises RunError if nothing was trained there."""
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
    """The run in `folder`. Raises RunError if it has no configuration, or if a file of it is damaged."""
    config_path = require(folder, CONFIG_FILE, "train")
    history, metrics = folder / HISTORY_FILE, folder / METRICS_FILE
    latest = max(path.stat().st_mtime for path in (config_path, history, metrics) if path.is_file())
    return Run(
        folder,
        _json(config_path),
        _rows(history) if history.is_file() else [],
        _json(metrics) if metrics.is_file() else None,
        datetime.fromtimestamp(latest).astimezone(),
    )


def load_config(folder: Path) -> Config:
    """The configuration of the run in `folder`. Raises RunError if there is none, or if it has other settings."""
    require(folder, CONFIG_FILE, "train")
    try:
        return Config.load(folder)
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise RunError(f"{folder / CONFIG_FILE} is not a configuration of today: {error}") from error


def require(folder: Path, file: str, stage: str) -> Path:
    """The path of a run's file. Raises RunError that names `stage`, which writes it, if it is not there."""
    if not (folder / file).is_file():
        here = "is not there" if not folder.is_dir() else f"has no {file} yet"
        raise RunError(f"{folder} {here}: python -m model_build {stage} --run {folder}")
    return folder / file


def config_differences(first: Run, second: Run) -> list[Difference]:
    """The settings that are not the same in both."""
    names = dict.fromkeys([*first.config, *second.config])
    pairs = [Difference(name, _setting(first, name), _setting(second, name)) for name in names]
    return [pair for pair in pairs if pair.first != pair.second]


def result_differences(first: Run, second: Run) -> list[Difference]:
    """Every result of either run beside the other's, whether it differs or not."""
    one, other = results(first), results(second)
    return [Difference(name, one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])]


def results(run: Run) -> Mapping[str, Leaf]:
    """The epoch that was kept, all numbers of the metrics, and the shipped file's recall of each class."""
    metrics = run.metrics or {}
    recall = {
        f"{_COUNTED_BY_CLASS} recall {row['label']}": row["recall"]
        for row in metrics.get(_COUNTED_BY_CLASS, {}).get("per_class", [])
    }
    kept = {
        f"best epoch {name}": value
        for name, value in run.best_epoch.items()
        if name != "epoch" and not math.isnan(value)
    }
    return {"epochs done": len(run.history), **kept, **dict(_numbers(metrics)), **recall}


def runs_table(runs: Sequence[Run]) -> Table:
    """The runs, the latest first."""
    table = Table("run", "dataset", title="Runs", title_justify="left")
    for name in ("epochs", "best validation", "int8 test", "size", "when"):
        table.add_column(name, justify="right")
    for run in sorted(runs, key=lambda run: run.changed, reverse=True):
        table.add_row(*_cells(run))
    return table


def comparison_tables(first: Run, second: Run) -> tuple[Table, Table]:
    """What differs in configuration, and the results side by side with their difference."""
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
    int8 = (run.metrics or {}).get(_COUNTED_BY_CLASS, {})
    return (
        run.name,
        str(run.config.get("dataset", _NOT_THERE)),
        f"{len(run.history)}/{_planned_epochs(run)}",
        _percent(run.best_epoch.get("validation_accuracy")),
        _percent(int8.get("accuracy")),
        f"{int8['bytes'] / 1024:.0f} KiB" if "bytes" in int8 else _NOT_THERE,
        f"{run.changed:%Y-%m-%d %H:%M}",
    )


def _planned_epochs(run: Run) -> Leaf:
    try:
        return planned_epochs(load_config(run.folder))
    except (RunError, KeyError):  # it has settings, or a dataset, that are not known today
        return _NOT_THERE


def _numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name} ")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value


def _setting(run: Run, name: str) -> Leaf:
    value = run.config.get(name, _NOT_THERE)
    return value if isinstance(value, Leaf) else json.dumps(value)


def _change(pair: Difference) -> str:
    if not (isinstance(pair.first, int | float) and isinstance(pair.second, int | float)):
        return ""
    change = pair.second - pair.first
    return f"{change:+}" if isinstance(change, int) else f"{change:+.4f}"


def _written(value: Leaf) -> str:
    if value is None:
        return _NOT_THERE
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(share: float | None) -> str:
    return _NOT_THERE if share is None else f"{100 * share:.2f} %"


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(document, dict):
        raise RunError(f"{path} is damaged: expected a JSON object, but got {type(document).__name__}")
    return document


def _rows(path: Path) -> list[Mapping[str, float]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    except (TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
