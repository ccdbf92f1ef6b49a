"""Training and validation examples of a run: the dataset, photos, shop pictures and outlier-exposure negatives."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from handler.contract import IMAGE_SIDE
from handler.inference.preprocessing import THRESHOLDS
from model_build.checks import check_array
from model_build.config import Config
from model_build.datasets.accessories import accessory_images
from model_build.datasets.clothing_photos import are_held_out
from model_build.datasets.mnist import DATA_DIR, DATASETS, LabelledImages, load
from model_build.datasets.non_clothing import non_clothing_images
from model_build.datasets.photos import Photos, download_photos, load_photos, photo_paths
from model_build.datasets.shop_pictures import load_shop_pictures

_CLASSES = 10
_VALIDATION_SHOP_PICTURES = 1_000


@dataclass(frozen=True)
class Examples:
    """N images with their labels and soft targets.

    `images` (N, 28, 28) uint8. `allowed` (N, 10) bool: every class that is right, none for negatives.
    `soft_targets` (N, 10) float32: a teacher's probabilities, all 0 where there is no teacher.
    """

    images: Tensor
    allowed: Tensor
    soft_targets: Tensor

    def __post_init__(self) -> None:
        check_array("images of examples", self.images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
        check_array("allowed classes", self.allowed, "bool", (len(self.images), _CLASSES))
        check_array("soft targets", self.soft_targets, "float32", (len(self.images), _CLASSES))

    @classmethod
    def without_teacher(cls, images: Tensor, allowed: Tensor) -> Self:
        return cls(images, allowed, torch.zeros(allowed.shape))

    @classmethod
    def negatives(cls, images: Tensor) -> Self:
        return cls.without_teacher(images, torch.zeros(len(images), _CLASSES, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor) -> "Examples":
        return Examples(self.images[index], self.allowed[index], self.soft_targets[index])


@dataclass(frozen=True)
class TrainingSet:
    """All training examples, by the part that an epoch samples from; and all validation examples, by kind."""

    dataset: Examples
    photos: Examples  # one example for each variant of a photo
    shop_pictures: Examples  # of the dataset's images, in their order
    accessories: Examples
    non_clothing: Examples
    validation: Examples
    validation_photos: Examples  # the first view of each
    validation_shop_pictures: Examples
    validation_non_clothing: Examples

    def epoch(self, config: Config, generator: torch.Generator, *, fine_tuning: bool = False) -> Examples:
        """One epoch's examples in random order: the dataset, the negatives, and each photo in a few of its variants.

        A fine-tuning epoch adds shop pictures of a share of the dataset, and of accessories.
        """
        photos = len(self.photos) // (len(THRESHOLDS) + config.photo_variants) * config.photo_repeats
        parts = [self.dataset, _sampled(self.photos, photos, generator), self.non_clothing]
        if fine_tuning:
            shop_pictures = round(config.shop_picture_share * len(self.shop_pictures))
            parts += [_sampled(self.shop_pictures, shop_pictures, generator), self.accessories]
        together = _concatenated(*parts)
        return together[torch.randperm(len(together), generator=generator)]

    def with_soft_targets(self, probabilities: Tensor) -> "TrainingSet":
        """A copy with a teacher's probabilities (N, 10) for the dataset's images and for their shop pictures."""
        return replace(
            self,
            dataset=replace(self.dataset, soft_targets=probabilities),
            shop_pictures=replace(self.shop_pictures, soft_targets=probabilities[: len(self.shop_pictures)]),
        )


def fine_tuning_epochs(config: Config) -> int:
    """Number of epochs with shop pictures: none, unless the dataset is of clothes."""
    return config.fine_tuning_epochs if DATASETS[config.dataset].has_photos else 0


def planned_epochs(config: Config) -> int:
    """Number of epochs of a whole run."""
    return config.epochs + fine_tuning_epochs(config)


def load_training_set(config: Config, root: Path = DATA_DIR, *, shop_pictures: int | None = None) -> TrainingSet:
    """Load or synthesize everything that the run of `config` learns from and is validated with.

    There are shop pictures of the first `shop_pictures` images of the dataset; None: of all.
    """
    splits = load(config, root)
    photos, validation_photos = load_photo_splits(config, root)
    with_text = DATASETS[config.dataset].text_is_unknown
    return TrainingSet(
        dataset=Examples.without_teacher(splits.train.images, _one_hot(splits.train.labels)),
        photos=Examples.without_teacher(
            photos.images.flatten(0, 1), photos.allowed.repeat_interleave(photos.images.shape[1], dim=0)
        ),
        shop_pictures=_shop_pictures(splits.train[:shop_pictures], config, root),
        accessories=Examples.negatives(
            accessory_images(config.accessory_negatives if fine_tuning_epochs(config) else 0, config.seed)
        ),
        non_clothing=Examples.negatives(
            non_clothing_images(config.non_clothing_negatives, config.seed, with_text=with_text)
        ),
        validation=Examples.without_teacher(splits.validation.images, _one_hot(splits.validation.labels)),
        validation_photos=Examples.without_teacher(validation_photos.views[:, 0], validation_photos.allowed),
        validation_shop_pictures=_shop_pictures(splits.validation[:_VALIDATION_SHOP_PICTURES], config, root),
        validation_non_clothing=Examples.negatives(
            non_clothing_images(config.non_clothing_negatives // 10, config.seed + 1, with_text=with_text)
        ),
    )


def load_photo_splits(config: Config, root: Path = DATA_DIR) -> tuple[Photos, Photos]:
    """Training and validation photos, the latter of held-out senders; none if the run is without photos."""
    if not (config.photo_variants and DATASETS[config.dataset].has_photos):
        none = Photos(
            torch.empty(0, len(THRESHOLDS), IMAGE_SIDE, IMAGE_SIDE, dtype=torch.uint8),
            torch.empty(0, _CLASSES, dtype=torch.bool),
        )
        return none, none
    photos = load_photos("train", config.photo_variants, root)
    held_out = torch.tensor(are_held_out(photo_paths(download_photos(root), "train")))
    return photos[~held_out], photos[held_out]


def _shop_pictures(images: LabelledImages, config: Config, root: Path) -> Examples:
    given = images if fine_tuning_epochs(config) else images[:0]
    pixels = load_shop_pictures(given, config.seed, root) if len(given) else given.images
    return Examples.without_teacher(pixels, _one_hot(given.labels))


def _sampled(examples: Examples, count: int, generator: torch.Generator) -> Examples:
    return examples[torch.randint(0, max(len(examples), 1), (count,), generator=generator)]


def _one_hot(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, _CLASSES).bool()


def _concatenated(*parts: Examples) -> Examples:
    return Examples(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Examples)))
