"""Views of photos and of composites for training, cut out as they are served; made once in parts, each in its file."""

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

import handler.inference.cutout
import handler.inference.foreground
import handler.inference.preprocessing
from handler.inference.cutout import CutOut
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, views_of
from model_build.cutout.composites import composing_processes, composite
from model_build.datasets.clothing_photos import ClothingPhoto, clothing_photos, hash_of
from model_build.datasets.mnist import DATA_DIR
from model_build.progress import track
from model_build.run_files import save_array

NONE: Final = 10  # the class of what is none of the ten
ALTERED: Final = 6  # altered copies of each photo, beside the photo itself
VIEWS: Final = 2  # of each image
PART: Final = 500  # composites in a file

_COMPOSITE_SIDE: Final = 192
_MAX_PIXELS: Final = 50_000_000


@dataclass(frozen=True)
class ServedViews:
    """`images` (N, VIEWS, 28, 28) uint8, and `classes` (N,) 0 to 10."""

    images: NDArray[np.uint8]
    classes: NDArray[np.int64]


def photo_views(root: Path = DATA_DIR) -> ServedViews:
    """Views of the photos of all senders that are not held out, and of altered copies; cached below `root`."""
    photos = [photo for photo in clothing_photos(root) if not photo.held_out]
    cache = _folder(root) / f"photos-{hash_of(photos)}.npy"
    if not cache.exists():
        cut_out = CutOut()
        images = [_of_photo(photo, cut_out) for photo in track(photos, "cutting out the photos")]
        save_array(cache, np.concatenate(images))
    classes = np.array([_class(photo.class_id) for photo in photos]).repeat(1 + ALTERED)
    return ServedViews(np.load(cache), classes)


def held_out_views(root: Path = DATA_DIR) -> ServedViews:
    """The first view of each photo of the senders that are held out."""
    photos = [photo for photo in clothing_photos(root) if photo.held_out]
    cut_out = CutOut()
    views = [_views(_decoded(photo), cut_out)[:1] for photo in track(photos, "cutting out held-out photos")]
    classes = np.array([_class(photo.class_id) for photo in photos])
    return ServedViews(np.stack(views), classes)


def composite_views(count: int, root: Path = DATA_DIR) -> ServedViews:
    """Views of `count` composites, rounded up to whole parts; cached below `root`."""
    folder, numbers = _folder(root), range(-(-count // PART))
    with composing_processes() as pool:
        made = pool.map(partial(make_part, folder), numbers)
        list(track(made, f"cutting out {PART} composites each", total=len(numbers)))
    return read_composites(folder, numbers)


def make_part(folder: Path, number: int) -> None:
    """Write one part of the composites, seeded by its number, unless it is there."""
    images, classes = folder / f"composites-{number}.npy", folder / f"classes-{number}.npy"
    if images.exists():
        return
    rng, cut_out = random.Random(f"views of composites {number}"), CutOut()
    made = [composite(rng, _COMPOSITE_SIDE) for _ in range(PART)]
    save_array(classes, np.array([_class(each.class_id) for each in made]))
    save_array(images, np.stack([_views(each.image, cut_out) for each in made]))


def read_composites(folder: Path, numbers: Iterable[int]) -> ServedViews:
    """The parts of the composites with these numbers."""
    numbers = list(numbers)
    images = [np.load(folder / f"composites-{number}.npy") for number in numbers]
    classes = np.concatenate([np.load(folder / f"classes-{number}.npy") for number in numbers])
    return ServedViews(np.concatenate(images), classes)


def _of_photo(photo: ClothingPhoto, cut_out: CutOut) -> NDArray[np.uint8]:
    """(1 + ALTERED, VIEWS, 28, 28), altered at random, seeded by the file's name."""
    image = _decoded(photo)
    rng = random.Random(photo.path.name)
    return np.stack([_views(image, cut_out), *(_views(each, cut_out) for each in _altered(image, rng))])


def _decoded(photo: ClothingPhoto) -> Image.Image:
    return decode(photo.path.read_bytes(), _MAX_PIXELS, DETAIL_SIDE).convert("RGB")


def _views(image: Image.Image, cut_out: CutOut) -> NDArray[np.uint8]:
    """(VIEWS, 28, 28): where the learned cut-out finds nothing, the first of those by the classical rule."""
    return views_of(image, cut_out.mask)[0][:VIEWS]


def _altered(image: Image.Image, rng: random.Random) -> Iterator[Image.Image]:
    """The same object with another framing, light and tilt; one copy turned by a right angle."""
    for number in range(ALTERED):
        tilted = image.rotate(rng.gauss(0, 7), Image.Resampling.BILINEAR, fillcolor=image.getpixel((1, 1)))
        width, height = image.size
        left, top, right, bottom = (max(0.0, rng.uniform(-0.04, 0.12)) for _ in range(4))
        box = (int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height))
        framed = tilted.crop(box)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            framed = enhance(framed).enhance(rng.uniform(0.7, 1.35))
        stretch = rng.uniform(0.88, 1.14)
        framed = framed.resize((max(8, round(framed.width * stretch)), framed.height))
        yield framed if number else framed.rotate(rng.choice([90, 270]), expand=True)


def _class(class_id: int | None) -> int:
    return NONE if class_id is None else class_id


def _folder(root: Path) -> Path:
    """Named by a hash of the source code that decides how photos are cut out."""
    modules = (handler.inference.cutout, handler.inference.foreground, handler.inference.preprocessing)
    sources = [__file__, *(str(module.__file__) for module in modules)]
    fingerprint = hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:12]
    folder = root / f"served-views-{fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
