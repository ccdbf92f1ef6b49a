"""Figures of `show` for a run of your own classes: curves, confusion, and the page of mistakes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from model_build.datasets.folder import read_folder
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.named import folder_of
from model_build.options import Plot
from model_build.own_classes.build import load_recipe
from model_build.own_classes.mistakes import write_gallery
from model_build.reporting import plots
from model_build.run_files import HISTORY_FILE, read_confusion, require


def _curves(run_dir: Path, out: Path | None) -> Path:
    path = out or run_dir / "curves.png"
    plots.save(plots.curves(require(run_dir, HISTORY_FILE, "train")), path)
    return path


def _confusion(run_dir: Path, out: Path | None) -> Path:
    path = out or run_dir / "confusion.png"
    folder = read_folder(folder_of(load_recipe(run_dir).dataset, DATA_DIR))
    plots.save(plots.confusion(read_confusion(run_dir), folder.labels), path)
    return path


def _mistakes(run_dir: Path, out: Path | None) -> Path:
    path = out or run_dir / "mistakes.html"
    write_gallery(run_dir, folder_of(load_recipe(run_dir).dataset, DATA_DIR), path)
    return path


PLOTS: Final[Mapping[Plot, Callable[[Path, Path | None], Path]]] = {
    Plot.CURVES: _curves,
    Plot.CONFUSION: _confusion,
    Plot.MISTAKES: _mistakes,
}
