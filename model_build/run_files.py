"""Names of the files in a run's folder, and the readers and writers that several stages share."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_build.config import Config
from model_build.locks import Locked, locked

CONFIG_FILE: Final = "config.json"
DISTILLATIONS_FILE: Final = "distillations.json"  # the recipes of a distilled network, in their order
HISTORY_FILE: Final = "history.csv"
BEST_WEIGHTS_FILE: Final = "best.pt"  # of the first cycle: the epoch that validated best
FINE_TUNED_WEIGHTS_FILE: Final = "fine_tuned.pt"  # of the second cycle: its last epoch
RESUME_FILE: Final = "resume.pt"
CALIBRATION_FILE: Final = "calibration.json"
FLOAT_FILE: Final = "float.onnx"
QDQ_FILE: Final = "qdq.onnx"  # the int8 model in standard operators only, for other runtimes than ONNX Runtime
INT8_FILE: Final = "int8.onnx"
METRICS_FILE: Final = "metrics.json"
CONFUSION_PLOT_FILE: Final = "confusion.png"
CURVES_PLOT_FILE: Final = "curves.png"
_LOCK_FILE: Final = "train.lock"


class RunError(Exception):
    """A run is missing, incomplete or damaged; the message names the file, or the stage that writes it."""


def require(run_dir: Path, file: str, stage: str) -> Path:
    """The path of a run's file. Raises RunError if it is missing; the message names `stage`, which writes it."""
    if not (run_dir / file).is_file():
        missing = "does not exist" if not run_dir.is_dir() else f"has no {file} yet"
        raise RunError(f"{run_dir} {missing}: python -m model_build {stage} --run {run_dir}")
    return run_dir / file


def refuse_unwritable(folder: Path) -> None:
    """Raise RunError if `folder` can be neither written nor made: sooner than after a training."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise RunError(f"{folder} cannot be a folder: {nearest} is a file")
    if not os.access(nearest, os.W_OK):
        raise RunError(f"{folder} cannot be written: no permission for {nearest}")


@contextmanager
def training_alone(run_dir: Path) -> Iterator[None]:
    """Make the folder of a run, and keep other processes from training in it. Raises RunError if one does already."""
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        with locked(run_dir / _LOCK_FILE, waits=False):
            yield
    except Locked as error:
        raise RunError(f"another process trains the run in {run_dir}: wait for it, or choose another --run") from error


def save_config(run_dir: Path, config: Config) -> None:
    run_dir.mkdir(parents=True, exist_ok=True)
    write_json(run_dir / CONFIG_FILE, asdict(config))


def load_config(run_dir: Path) -> Config:
    """The configuration of the run in `run_dir`. Raises RunError if it is missing, or has other settings."""
    values = read_json(require(run_dir, CONFIG_FILE, "train"))
    try:
        return Config(**{**values, "widths": tuple(values["widths"])})
    except (TypeError, KeyError) as error:
        raise RunError(f"{run_dir / CONFIG_FILE} is of another version of model_build: {error}") from error


def read_distillations(run_dir: Path) -> list[Any]:
    """The recipes by which the network of `run_dir` was distilled, the first one first; none if it was trained."""
    path = run_dir / DISTILLATIONS_FILE
    return list(read_json(path)["recipes"]) if path.exists() else []


def is_own_run(run_dir: Path) -> bool:
    """Whether the run in `run_dir` is of one's own classes, which have a recipe in place of a Config."""
    path = run_dir / CONFIG_FILE
    return path.is_file() and "start_from" in read_json(path)


def read_calibration(run_dir: Path) -> Mapping[str, Any]:
    """The temperature and the threshold of `known`, as `calibrate` wrote them."""
    return read_json(require(run_dir, CALIBRATION_FILE, "calibrate"))


def read_metrics(run_dir: Path) -> Mapping[str, Any]:
    """Metrics of the float and of the int8 file, as `evaluate` wrote them."""
    return read_json(require(run_dir, METRICS_FILE, "evaluate"))


def read_confusion(run_dir: Path) -> NDArray[np.int64]:
    """Confusion matrix of the int8 file: counts (classes, classes), a row for each true class."""
    return np.array(read_metrics(run_dir)["int8"]["confusion_matrix"])


def read_history(path: Path) -> list[Mapping[str, float]]:
    """A row of numbers for each epoch. Raises RunError if the file is damaged."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    except (TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object at `path`. Raises RunError if the file is damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(document, dict):
        raise RunError(f"{path} is damaged: expected a JSON object, but got {type(document).__name__}")
    return document


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that an interruption leaves the old version or the new one, never a part of it.

    Two processes may write the same file: each has its own part, and the last one's stays.
    """
    unfinished = path.with_suffix(f"{path.suffix}.{os.getpid()}.part")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file as `replace` does."""

    def write(unfinished: Path) -> None:
        with unfinished.open("wb") as file:  # to a path, NumPy would append .npy
            np.save(file, array)

    replace(path, write)


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write a compressed .npz file as `replace` does."""

    def write(unfinished: Path) -> None:
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **arrays)

    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, write)


def read_array(path: Path) -> NDArray[Any]:
    """The array in the .npy file at `path`. Raises RunError if the file is damaged."""
    try:
        return np.asarray(np.load(path))
    except (EOFError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error


def run_dir_of(run: Path | None, dataset: str) -> Path:
    """The folder `run`, or that of the runs of the dataset, which may be a folder."""
    return run or Path("runs", Path(dataset).resolve().name)
