"""What a student learns from: the training set, with photos and composites as they are served, split by sender."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.mnist import DATA_DIR, DATASETS
from model_build.datasets.training_set import Examples, TrainingSet, load_training_set
from model_build.datasets.weights import balanced
from model_build.distillation.images import joined
from model_build.distillation.photo_views import NONE, ServedViews, composite_views, held_out_views, photo_views

COMPOSITES: Final = 12_000
SHOP_PICTURES: Final = 20_000


def load_distillation_set(config: Config, root: Path = DATA_DIR) -> TrainingSet:
    """As `load_training_set`, but its photos are views of photos and composites, and to validate, of held-out senders.

    About 15 minutes on two cores, unless the views are cached below `root`.
    """
    if not DATASETS[config.dataset].has_photos:
        return load_training_set(config, root)
    without_photos = load_training_set(replace(config, photo_variants=0), root, shop_pictures=SHOP_PICTURES)
    photos, composites = _examples(photo_views(root)), _examples(composite_views(COMPOSITES, root))
    return replace(without_photos, photos=joined(photos, composites), validation_photos=_examples(held_out_views(root)))


def chances(examples: Examples) -> Tensor:
    """Cumulative chances (N,) to draw each example: one of a class of n in proportion to the root of 1 / n.

    What is of none of the classes counts as one.
    """
    classes = torch.where(examples.allowed.any(dim=1), examples.allowed.int().argmax(dim=1), NONE)
    return torch.from_numpy(balanced(classes.tolist())).cumsum(dim=0)


def _examples(views: ServedViews) -> Examples:
    """Each view of each image as an example."""
    images = torch.from_numpy(views.images)
    classes = torch.from_numpy(views.classes).repeat_interleave(images.shape[1])
    allowed = torch.nn.functional.one_hot(classes, NONE + 1)[:, :NONE].bool()
    return Examples.without_teacher(images.flatten(0, 1), allowed)
