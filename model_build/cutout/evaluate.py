"""Evaluate the learned cut-out by what counts: how the shipped classifier answers on the views that it makes."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from handler.inference.classifier import Classifier
from handler.inference.cutout import CutOut
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, GarmentMask, views_of
from model_build.datasets.clothing_photos import clothing_photos
from model_build.datasets.mnist import DATA_DIR

# Pictures of shops in folders named by class id or `none`: only measured on, where they are there.
SHOP_PICTURES: Final = "shop-pictures-choosing"

_MAX_PIXELS: Final = 50_000_000


@dataclass(frozen=True)
class LabelledPicture:
    """A picture of one of the ten classes."""

    path: Path
    class_id: int


@dataclass(frozen=True)
class Score:
    """The share of `count` pictures that are classified correctly."""

    accuracy: float
    count: int

    @property
    def margin(self) -> float:
        """Half of the 95 % confidence interval (normal approximation)."""
        return 1.96 * math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)

    def __str__(self) -> str:
        return f"{self.accuracy:.1%} +- {self.margin:.1%} of {self.count}"


def pictures(root: Path = DATA_DIR) -> Mapping[str, Sequence[LabelledPicture]]:
    """Photos of held-out senders, shoes by kind, and shop pictures, if they are there."""
    photos = [
        LabelledPicture(photo.path, photo.class_id)
        for photo in clothing_photos(root)
        if photo.held_out and photo.class_id is not None
    ]
    folder = Path(os.environ.get("DATASETS_DIR", root), SHOP_PICTURES)
    shop = [LabelledPicture(path, int(path.parent.name)) for path in sorted(folder.glob("[0-9]/*.jpg"))]
    return {"photos of held-out senders": photos, **({"shop pictures": shop} if shop else {})}


def score(labelled: Sequence[LabelledPicture], classifier: Classifier, garment_mask: GarmentMask | None) -> Score:
    """The classifier's accuracy, its views cut out by `garment_mask` and the classical rule, or by that alone."""
    views = [views_of(_decoded(each.path), garment_mask)[0][:, np.newaxis] for each in labelled]
    found = classifier.predict_views(views).probabilities.argmax(axis=1)
    return Score(float((found == [each.class_id for each in labelled]).mean()), len(labelled))


def evaluate(cut_out: CutOut, root: Path = DATA_DIR) -> Mapping[str, Mapping[str, Score]]:
    """By kind of picture: the scores with the learned cut-out, and without it."""
    classifier = Classifier.shipped()
    return {
        kind: {"learned": score(labelled, classifier, cut_out.mask), "classical": score(labelled, classifier, None)}
        for kind, labelled in pictures(root).items()
    }


def _decoded(path: Path) -> Image.Image:
    return decode(path.read_bytes(), _MAX_PIXELS, DETAIL_SIDE)
