"""Build the colour network: train it, with or without a teacher, calibrate its probabilities, export it to int8."""

import random
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from model_build.colour.export import export
from model_build.colour.images import NONE, ColourImages, Stored, as_served, stored, stored_photos
from model_build.colour.network import ColourNetwork
from model_build.colour.recipe import STORED_SIDE, STUDENT, Recipe
from model_build.colour.train import ColourData, logits, train
from model_build.cutout.composites import composing_processes, composite
from model_build.datasets.clothing_photos import clothing_photos
from model_build.progress import track
from model_build.release.calibrate import fitted_temperature

_CALIBRATION_IMAGES: Final = 400  # half photos, half composites; they set the ranges of the activations


def build(run_dir: Path, recipe: Recipe = STUDENT, teacher_recipe: Recipe | None = None) -> Path:
    """Write colour.onnx into `run_dir`; a step that was interrupted resumes, one that has ended is not repeated.

    The network in this folder had no teacher, which takes twice the time of the student.
    """
    data = load(run_dir, recipe.composites)
    teacher = train(run_dir / "teacher", teacher_recipe, data) if teacher_recipe else None
    student = train(run_dir / "student", recipe, data, teacher)
    return release(run_dir, student, data)


def load(run_dir: Path, composites: int) -> ColourData:
    """Photos of senders to train on, composites, and photos of the other senders; cached in `run_dir`."""
    photos = clothing_photos()
    training = stored_photos([photo for photo in photos if not photo.held_out], run_dir / "photos.npy")
    validation = stored_photos([photo for photo in photos if photo.held_out], run_dir / "held-out-photos.npy")
    return ColourData(training, stored_composites(composites, run_dir / "composites.npz"), validation)


def release(run_dir: Path, network: ColourNetwork, data: ColourData) -> Path:
    """Calibrate on the photos of unknown senders, and export."""
    found = torch.from_numpy(logits(network, data.validation))
    temperature = fitted_temperature(found, torch.from_numpy(data.validation.classes))
    return export(run_dir, network, temperature, calibration_images(data))


def calibration_images(data: ColourData) -> NDArray[np.uint8]:
    """(N, 160, 160, 3), evenly from the photos and from the composites."""
    half = _CALIBRATION_IMAGES // 2
    parts = (data.photos.images, data.composites.images)
    return np.stack([as_served(part[i * len(part) // half]) for part in parts for i in range(half)])


def stored_composites(count: int, cache: Path, seed: int = 1) -> ColourImages:
    """`count` composites, cached in the file `cache`: 50 ms each."""
    if not cache.exists():
        with composing_processes() as pool:
            drawn = pool.map(partial(_drawn, seed), range(count), chunksize=50)
            images, classes = zip(*track(drawn, "drawing composites", total=count), strict=True)
        np.savez(cache, images=np.stack(images), classes=np.array(classes))
    with np.load(cache) as stored_arrays:
        classes = stored_arrays["classes"]
        return ColourImages(stored_arrays["images"], classes, np.full(len(classes), 1 / len(classes)))


def _drawn(seed: int, number: int) -> tuple[Stored, int]:
    drawn = composite(random.Random(f"colour {seed} {number}"), STORED_SIDE)
    return stored(drawn.image), NONE if drawn.class_id is None else drawn.class_id
