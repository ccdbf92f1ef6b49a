"""Photos whose classical cut-out can be trusted: they give the learned cut-out garments, grounds and whole examples.

A cut-out is trusted if its outline hardly depends on the threshold, if the garment lies inside of the photo, and if
the classifier finds the right class in every view. Photos of senders that are held out are left out.
"""

import hashlib
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import handler.inference.foreground
import handler.inference.preprocessing
from handler.inference.classifier import Classifier
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, View, preprocessed_views
from model_build.datasets.clothing_photos import ClothingPhoto, clothing_photos
from model_build.datasets.mnist import DATA_DIR
from model_build.progress import track

SIDE: Final = 192  # of the stored photos, in pixels; they are squeezed to squares

_MAX_PIXELS: Final = 50_000_000
_AGREEMENT: Final = 0.85  # intersection over union of the widest and the narrowest outline
_AGREEMENT_UNKNOWN: Final = 0.92  # where no class can be checked
_SURE: Final = 0.5  # mean probability of the right class
_AREAS: Final = (0.08, 0.8)  # share of the photo that the garment covers
_TOUCHING: Final = 0.12  # share of the photo's border that the garment touches
_SHOES: Final = (5, 7, 9)  # any kind will do: their outline counts here
_OPEN_KINDS: Final = ("sandal", "other shoes", "other", "hat")  # the ground may show through them

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TrustedPhotos:
    """N photos: `images` (N, SIDE, SIDE, 3), `masks` (N, SIDE, SIDE), `classes` (N,), -1: none; `aspects` (N,)."""

    images: Pixels
    masks: Mask
    classes: NDArray[np.int64]
    aspects: NDArray[np.float64]  # width / height before squeezing

    def __len__(self) -> int:
        return len(self.classes)


@cache
def trusted_photos(root: Path = DATA_DIR) -> TrustedPhotos:
    """All trusted photos of senders that are not held out; cached below `root`, read from there page by page."""
    folder = root / f"trusted-cut-outs-{_fingerprint()}"
    if not folder.is_dir():
        _store(folder, [photo for photo in clothing_photos(root) if not photo.held_out])
    images, masks, classes, aspects = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "masks", "classes", "aspects")
    )
    return TrustedPhotos(images, masks, classes, aspects)


def _store(folder: Path, photos: list[ClothingPhoto]) -> None:
    with ProcessPoolExecutor(initializer=_classifier) as pool:
        cut = pool.map(_trusted, photos, chunksize=16)
        found = [each for each in track(cut, "cutting out the photos", total=len(photos)) if each is not None]
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    for name, rows in zip(("images", "masks", "classes", "aspects"), zip(*found, strict=True), strict=True):
        np.save(unfinished / f"{name}.npy", np.stack(rows))
    try:
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished)
        if not folder.is_dir():  # else another process was faster
            raise


def _trusted(photo: ClothingPhoto) -> tuple[Pixels, Mask, int, float] | None:
    image = decode(photo.path.read_bytes(), _MAX_PIXELS, DETAIL_SIDE).convert("RGB")
    views = preprocessed_views(image)
    if not (_outlines_agree(views, photo) and _is_inside(views[0].foreground) and _is_recognized(views, photo)):
        return None
    foreground = views[0].foreground if photo.kind in _OPEN_KINDS else without_holes(views[0].foreground)
    square = Image.fromarray(foreground).resize((SIDE, SIDE))
    squeezed = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    class_id = -1 if photo.class_id is None else photo.class_id
    return np.asarray(squeezed), np.asarray(square), class_id, image.width / image.height


def without_holes(mask: Mask) -> Mask:
    """`mask` with everything that no path outside of it reaches."""
    framed = Image.fromarray(np.pad(mask, 1).astype(np.uint8) * 255).copy()
    ImageDraw.floodfill(framed, (0, 0), 128)
    filled: Mask = np.asarray(framed)[1:-1, 1:-1] != 128
    return filled


def _outlines_agree(views: list[View], photo: ClothingPhoto) -> bool:
    areas = [int(view.foreground.sum()) for view in views]
    return min(areas) / max(areas) >= (_AGREEMENT_UNKNOWN if photo.class_id is None else _AGREEMENT)


def _is_inside(foreground: Mask) -> bool:
    border = np.ones_like(foreground)
    border[1:-1, 1:-1] = False
    return bool(_AREAS[0] <= foreground.mean() <= _AREAS[1] and foreground[border].mean() <= _TOUCHING)


def _is_recognized(views: list[View], photo: ClothingPhoto) -> bool:
    if photo.class_id is None:
        return True
    probabilities = _classifier().probabilities(np.stack([view.pixels[np.newaxis] for view in views]))
    right = _SHOES if photo.class_id in _SHOES else (photo.class_id,)
    all_right = np.isin(probabilities.argmax(axis=1), right).all()
    return bool(all_right and probabilities[:, right].sum(axis=1).mean() >= _SURE)


@cache
def _classifier() -> Classifier:
    return Classifier.shipped()


def _fingerprint() -> str:
    """Hash of the source code that decides which cut-outs are trusted."""
    modules = (handler.inference.foreground, handler.inference.preprocessing)
    sources = (__file__, *(str(module.__file__) for module in modules))
    return hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:12]
