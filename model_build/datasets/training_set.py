"""A dataset, photos and drawings in; one pool of training examples and the sets that validate out."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from handler.contract import IMAGE_SIDE
from handler.inference.preprocessing import CUTS
from model_build.checks import check_array
from model_build.config import Config
from model_build.datasets.accessories import accessory_images
from model_build.datasets.mnist import DATA_DIR, DATASETS, LabelledImages, load
from model_build.datasets.non_clothing import unknown_images
from model_build.datasets.photos import Photos, load_photos
from model_build.datasets.shop_pictures import load_renderings

_CLASSES = 10
_VALIDATION_RENDERED = 1_000


@dataclass(frozen=True)
class Examples:
    """`images` (N, 28, 28) uint8; `allowed` (N, 10) bool: each class that is right, none where nothing is known; and
    `taught` (N, 10) float32: the probabilities that a teacher gives, all 0 where there is none.
    """

    images: Tensor
    allowed: Tensor
    taught: Tensor

    def __post_init__(self) -> None:
        check_array("images of examples", self.images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
        check_array("allowed classes", self.allowed, "bool", (len(self.images), _CLASSES))
        check_array("taught probabilities", self.taught, "float32", (len(self.images), _CLASSES))

    @classmethod
    def untaught(cls, images: Tensor, allowed: Tensor) -> Self:
        return cls(images, allowed, torch.zeros(allowed.shape))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor) -> "Examples":
        return Examples(self.images[index], self.allowed[index], self.taught[index])


@dataclass(frozen=True)
class Pool:
    """What is learned, in parts that an epoch draws from differently; and what validates, each kind by itself."""

    dataset: Examples
    photos: Examples  # every variant of a photo beside the others
    rendered: Examples  # the dataset as shop pictures
    accessories: Examples
    unknown: Examples
    validation: Examples
    validation_photos: Examples  # the first view of each
    validation_rendered: Examples
    validation_views: Tensor  # (N, views, 28, 28) uint8 of the same photos
    validation_unknown: Examples

    def epoch(self, config: Config, generator: torch.Generator, *, finishing: bool = False) -> Examples:
        """One epoch's examples in random order: the dataset, the drawings, and each photo in a few of its variants.

        A finishing one has shop pictures of a share of the dataset and of accessories as well.
        """
        photos = len(self.photos) // (len(CUTS) + config.photo_variants) * config.photo_repeats
        parts = [self.dataset, _drawn(self.photos, photos, generator), self.unknown]
        if finishing:
            rendered = round(config.rendered_share * len(self.rendered))
            parts += [_drawn(self.rendered, rendered, generator), self.accessories]
        together = _joined(*parts)
        return together[torch.randperm(len(together), generator=generator)]

    def taught(self, probabilities: Tensor) -> "Pool":
        """The same, with a teacher's probabilities (N, 10) for the images of the dataset, and for their renderings."""
        return replace(
            self,
            dataset=replace(self.dataset, taught=probabilities),
            rendered=replace(self.rendered, taught=probabilities[: len(self.rendered)]),
        )


def finishing_epochs(config: Config) -> int:
    """How many epochs have shop pictures: none, if the dataset is not of what shops sell."""
    return config.finishing_epochs if DATASETS[config.dataset].has_photos else 0


def planned_epochs(config: Config) -> int:
    """How many epochs a whole run has."""
    return config.epochs + finishing_epochs(config)


def load_pool(config: Config, root: Path = DATA_DIR) -> Pool:
    """Everything that the run of `config` learns from and is validated with."""
    splits = load(config, root)
    photos, validation_photos = _photos(config, root)
    return Pool(
        dataset=Examples.untaught(splits.train.images, _one_hot(splits.train.labels)),
        photos=Examples.untaught(
            photos.images.flatten(0, 1), photos.allowed.repeat_interleave(photos.images.shape[1], dim=0)
        ),
        rendered=_rendered(splits.train, config, root),
        accessories=_accessories(config),
        unknown=_drawings(config, config.unknown_images, config.seed),
        validation=Examples.untaught(splits.validation.images, _one_hot(splits.validation.labels)),
        validation_photos=Examples.untaught(validation_photos.views[:, 0], validation_photos.allowed),
        validation_rendered=_rendered(_first(splits.validation, _VALIDATION_RENDERED), config, root),
        validation_views=validation_photos.views,
        validation_unknown=_drawings(config, config.unknown_images // 10, config.seed + 1),
    )


def _photos(config: Config, root: Path) -> tuple[Photos, Photos]:
    if not (config.photo_variants and DATASETS[config.dataset].has_photos):
        none = Photos(torch.empty(0, len(CUTS), 28, 28, dtype=torch.uint8), torch.empty(0, _CLASSES, dtype=torch.bool))
        return none, none
    photos = load_photos("train", config.photo_variants, root)
    order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(config.seed))
    return photos[order[config.validation_photos :]], photos[order[: config.validation_photos]]


def _rendered(images: LabelledImages, config: Config, root: Path) -> Examples:
    if not finishing_epochs(config):
        return Examples.untaught(torch.empty(0, IMAGE_SIDE, IMAGE_SIDE, dtype=torch.uint8), _one_hot(images.labels[:0]))
    return Examples.untaught(load_renderings(images, config.seed, root), _one_hot(images.labels))


def _first(images: LabelledImages, count: int) -> LabelledImages:
    return LabelledImages(images.images[:count], images.labels[:count])


def _accessories(config: Config) -> Examples:
    count = config.accessory_images if finishing_epochs(config) else 0
    return Examples.untaught(accessory_images(count, config.seed), torch.zeros(count, _CLASSES, dtype=torch.bool))


def _drawn(examples: Examples, count: int, generator: torch.Generator) -> Examples:
    return examples[torch.randint(0, max(len(examples), 1), (count,), generator=generator)]


def _drawings(config: Config, count: int, seed: int) -> Examples:
    images = unknown_images(count, seed, with_text=DATASETS[config.dataset].text_is_unknown)
    return Examples.untaught(images, torch.zeros(count, _CLASSES, dtype=torch.bool))


def _one_hot(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, _CLASSES).bool()


def _joined(*parts: Examples) -> Examples:
    return Examples(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Examples)))
