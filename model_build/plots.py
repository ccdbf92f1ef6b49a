"""Images, counts and histories in, figures out; used by the stages and by `show`."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handler.contract import Label

matplotlib.use("Agg")  # files, no windows


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as a PNG file."""
    figure.savefig(path, dpi=100, bbox_inches="tight")


def grid(images: NDArray[np.uint8], titles: Sequence[str], columns: int = 10) -> Figure:
    """Images (N, 28, 28), each under its title."""
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.6 * columns, 1.9 * rows))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, title in zip(axes, images, titles, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(title, fontsize=10)
    return figure


def pixels(image: NDArray[np.uint8]) -> Figure:
    """One image (28, 28) with every pixel's value written in it."""
    figure = Figure(figsize=(12, 12))
    axis = figure.subplots()
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    for (row, column), value in np.ndenumerate(image):
        colour = "white" if value < 128 else "black"
        axis.text(column, row, str(value), ha="center", va="center", color=colour, fontsize=7)
    return figure


def confusion(counts: NDArray[np.int64], labels: Sequence[Label]) -> Figure:
    """Counts (classes, classes), a row for each true class."""
    names = [label.english for label in labels]
    figure = Figure(figsize=(8, 7))
    axis = figure.subplots()
    axis.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("guessed")
    axis.set_ylabel("true")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if row == column else "black"
        axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    return figure


def curves(history_path: Path) -> Figure:
    """Losses and validation accuracy by epoch, from a run's history."""
    with history_path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure = Figure(figsize=(10, 4))
    losses, accuracy = figure.subplots(1, 2)
    for name in ("train_loss", "validation_loss"):
        losses.plot(epochs, _column(rows, name), label=name.replace("_", " "))
    losses.legend()
    accuracy.plot(epochs, [100 * value for value in _column(rows, "validation_accuracy")])
    for axis, title in ((losses, "loss"), (accuracy, "validation accuracy, %")):
        axis.set_title(title)
        axis.set_xlabel("epoch")
    return figure


def _column(rows: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [float(row[name]) for row in rows]
