"""Build the colour network: train teachers and the network, calibrate its probabilities, export it to int8."""

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from handler.inference.cutout import CutOut
from model_build.colour.export import export
from model_build.colour.images import NONE, ColourImages, Stored, as_served, stored, stored_photos
from model_build.colour.network import ColourNetwork
from model_build.colour.recipe import STORED_SIDE, STUDENT, TEACHERS, Recipe
from model_build.colour.sources import Enlarged, Images, Photos
from model_build.colour.train import ColourData, Teacher, logits, train
from model_build.config import Config
from model_build.cutout.composites import composing_processes, composite, everyday_composite, shop_composite
from model_build.datasets.accessories import accessory
from model_build.datasets.clothing_photos import clothing_photos, hash_of
from model_build.datasets.everyday_things import Thing, everyday_things
from model_build.datasets.mnist import load as load_images
from model_build.progress import track
from model_build.release.calibrate import fitted_temperature
from model_build.run_files import save_array, save_arrays

_CALIBRATION_IMAGES: Final = 400  # they set the ranges of the activations
_ACCESSORIES: Final = 0.05  # shares of the drawn images
_EVERYDAY: Final = 0.2  # where such things can be had
_COMPOSITES: Final = 0.36  # of the rest; others are shop composites


def build(run_dir: Path, recipe: Recipe = STUDENT, teachers: Sequence[Recipe] = TEACHERS) -> Path:
    """Write colour.onnx into `run_dir`; a step that was interrupted resumes, one that has ended is not repeated."""
    data = load(run_dir, recipe.composites)
    taught = [
        Teacher(train(run_dir / f"teacher-{number}", each, data), each.side) for number, each in enumerate(teachers, 1)
    ]
    student = train(run_dir / "student", recipe, data, taught)
    return release(run_dir, student, data)


def load(run_dir: Path, composites: int) -> ColourData:
    """Photos of senders to train on, drawn and enlarged images, and photos of other senders; cached in `run_dir`."""
    photos = clothing_photos()
    of_training, held_out = ([photo for photo in photos if photo.held_out is out] for out in (False, True))
    name = hash_of(of_training)
    training = stored_photos(of_training, run_dir / f"photos-{name}.npy")
    validation = stored_photos(held_out, run_dir / "held-out-photos.npy")
    shown = Photos(training, _masks(training, run_dir / f"masks-{name}.npy"))
    drawn = Images(stored_composites(composites, run_dir / "composites.npz"))
    return ColourData(shown, drawn, _enlarged(), validation)


def _enlarged() -> Enlarged:
    clothes, digits = load_images(Config()).train, load_images(Config(dataset="mnist")).train
    return Enlarged(clothes.images.numpy(), clothes.labels.numpy(), digits.images.numpy())


def _masks(photos: ColourImages, cache: Path) -> NDArray[np.uint8]:
    """(N, 64, 64), 0 to 255, by the learned cut-out."""
    if not cache.exists():
        cut_out = CutOut()
        masks = [cut_out.mask(Image.fromarray(np.array(image))) for image in photos.images]
        save_array(cache, (np.stack(masks) * 255).astype(np.uint8))
    stored_masks: NDArray[np.uint8] = np.load(cache)
    return stored_masks


def release(run_dir: Path, network: ColourNetwork, data: ColourData) -> Path:
    """Calibrate on the photos of unknown senders, and export."""
    found = torch.from_numpy(logits(network, data.validation))
    temperature = fitted_temperature(found, torch.from_numpy(data.validation.classes))
    return export(run_dir, network, temperature, calibration_images(data))


def calibration_images(data: ColourData) -> NDArray[np.uint8]:
    """(N, 160, 160, 3) from all sources, as they are served."""
    rng, shares = random.Random("calibration"), (0.5, 0.4, 0.1)
    sources = rng.choices((data.photos, data.drawn, data.enlarged), shares, k=_CALIBRATION_IMAGES)
    return np.stack([as_served(source.drawn(rng)[0]) for source in sources])


def stored_composites(count: int, cache: Path, seed: int = 1) -> ColourImages:
    """`count` composites, cached in the file `cache`: 50 ms each."""
    if not cache.exists():
        with composing_processes() as pool:
            drawn = pool.map(partial(_drawn, seed, everyday_things()), range(count), chunksize=50)
            images, classes = zip(*track(drawn, "drawing composites", total=count), strict=True)
        save_arrays(cache, images=np.stack(images), classes=np.array(classes))
    with np.load(cache) as stored_arrays:
        classes = stored_arrays["classes"]
        return ColourImages(stored_arrays["images"], classes, np.full(len(classes), 1 / len(classes)))


def _drawn(seed: int, things: Sequence[Thing], number: int) -> tuple[Stored, int]:
    """A composite of a real garment, one drawn as it is worn, or shop goods; accessories and `things` are none."""
    rng = random.Random(f"colour {seed} {number}")
    kind = rng.random()
    if kind < _ACCESSORIES:
        return stored(accessory(rng)), NONE
    if things and kind < _ACCESSORIES + _EVERYDAY:
        composed = everyday_composite(rng, STORED_SIDE, things)
    else:
        composed = (composite if rng.random() < _COMPOSITES else shop_composite)(rng, STORED_SIDE)
    return stored(composed.image), NONE if composed.class_id is None else composed.class_id
