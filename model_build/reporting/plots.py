"""Plots of images, confusion matrices, training curves and embeddings, as Matplotlib figures."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handler.contract import IMAGE_SIDE, Label, Probabilities
from model_build.checks import WrongArray, check_array
from model_build.reporting.preprocessing_steps import Step
from model_build.run_files import read_history

_LONGEST_NAME: Final = 30  # characters at an axis


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # Matplotlib's own font has no Chinese; such names become boxes
        figure.savefig(path, format="png", dpi=100, bbox_inches="tight")


def grid(images: NDArray[np.uint8], titles: Sequence[str], columns: int = 10) -> Figure:
    """A grid of images (N, 28, 28), each below its title."""
    check_array("images of the grid", images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
    _same_number("titles", len(titles), "images", len(images))
    rows = max(1, math.ceil(len(images) / columns))
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
    check_array("the image", image, "uint8", (IMAGE_SIDE, IMAGE_SIDE))
    figure = Figure(figsize=(12, 12))
    axis = figure.subplots()
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    for (row, column), value in np.ndenumerate(image):
        colour = "white" if value < 128 else "black"
        axis.text(column, row, str(value), ha="center", va="center", color=colour, fontsize=7)
    return figure


def embedding(points: NDArray[np.float32], classes: NDArray[np.int64], labels: Sequence[Label]) -> Figure:
    """A map of points (N, 2), coloured by their true class (N,)."""
    check_array("points of the map", points, "float32", ("N", 2))
    check_array("classes of the points", classes, "int64", ("N",))
    _same_number("classes", len(classes), "points", len(points))
    figure = Figure(figsize=(10, 8))
    axis = figure.subplots()
    for label in labels:
        horizontal, vertical = points[classes == label.class_id].T
        axis.scatter(horizontal, vertical, s=3, color=f"C{label.class_id}", label=label.english)
    axis.legend(markerscale=4, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axis.set_aspect("equal")
    axis.axis("off")
    return figure


def confusion(counts: NDArray[np.int64], labels: Sequence[Label]) -> Figure:
    """A confusion matrix of counts (classes, classes), a row for each true class."""
    check_array("the confusion matrix", counts, "int64", (len(labels), len(labels)))
    names = [_short(label.english) for label in labels]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(8, 7))
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    # Matplotlib would read "$5 to $10" as a formula.
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axis.set_yticks(range(len(names)), names, parse_math=False)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    return figure


def curves(history_path: Path) -> Figure:
    """Losses and accuracies by epoch, from a run's history."""
    rows = read_history(history_path)
    figure = Figure(figsize=(10, 4))
    losses, accuracies = figure.subplots(1, 2)
    epochs = [int(row["epoch"]) + 1 for row in rows]
    for axis, ending, factor, title in ((losses, "_loss", 1, "loss"), (accuracies, "_accuracy", 100, "accuracy, %")):
        for name, values in _columns(rows, ending).items():
            axis.plot(epochs, [factor * value for value in values], marker=".", label=name.replace("_", " "))
        axis.legend()
        axis.set_title(title)
        axis.set_xlabel("epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def preprocessing(steps: Sequence[Step]) -> Figure:
    """The results of the preprocessing steps, side by side."""
    figure = Figure(figsize=(2.6 * len(steps), 3))
    for axis, step in zip(figure.subplots(1, len(steps), squeeze=False).ravel(), steps, strict=True):
        axis.imshow(step.image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{step.title}\n{step.image.shape[1]} x {step.image.shape[0]}", fontsize=10)
        axis.axis("off")
    return figure


def scores(probabilities: Probabilities, labels: Sequence[Label]) -> Figure:
    """A bar chart of the probabilities (classes,) of one image."""
    check_array("the probabilities", probabilities, "float32", (len(labels),))
    figure = Figure(figsize=(6, 3))
    axis = figure.subplots()
    axis.barh([label.english for label in labels], probabilities)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("probability")
    return figure


def _columns(rows: Sequence[Mapping[str, float]], ending: str) -> Mapping[str, list[float]]:
    """The columns whose names end in `ending`, without those that are NaN in all rows."""
    names = [name for name in (rows[0] if rows else ()) if name.endswith(ending)]
    columns = {name: [row[name] for row in rows] for name in names}
    return {name: values for name, values in columns.items() if not all(map(math.isnan, values))}


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _same_number(name: str, count: int, other_name: str, other_count: int) -> None:
    if count != other_count:
        raise WrongArray(
            f"expected as many {name} as {other_name}, but got {count} {name} and {other_count} {other_name}"
        )
