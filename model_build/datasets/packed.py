"""Pack a training set into one file, for a machine that has neither the datasets nor the photos."""

import lzma
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from model_build.datasets.training_set import Examples, TrainingSet
from model_build.run_files import replace


def pack(training_set: TrainingSet, path: Path) -> None:
    """Write all examples of `training_set`, compressed as an .npz file in an .xz file: about 3 bits for a pixel."""
    arrays = {
        f"{part.name}.{name}": getattr(getattr(training_set, part.name), name).numpy()
        for part in fields(TrainingSet)
        for name in ("images", "allowed")
    }

    def write(unfinished: Path) -> None:
        with lzma.open(unfinished, "wb") as file:
            np.savez(file, **arrays)

    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, write)


def unpack(path: Path) -> TrainingSet:
    """Read what `pack` wrote; no example has soft targets."""
    with lzma.open(path) as file:
        everything = BytesIO(file.read())
    with np.load(everything) as stored:
        arrays = {name: torch.from_numpy(stored[name]) for name in stored.files}
    return TrainingSet(
        **{
            part.name: Examples.without_teacher(arrays[f"{part.name}.images"], arrays[f"{part.name}.allowed"])
            for part in fields(TrainingSet)
        }
    )
