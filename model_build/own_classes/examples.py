"""A folder's images in their parts, ready for training: pixels, classes, and what they are weighed by."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from handler.contract import Label
from model_build.datasets.folder import PARTS, Folder
from model_build.datasets.stored import StoredImages
from model_build.datasets.weights import balanced


@dataclass(frozen=True)
class Part:
    """The images of one part: their places in the folder, and their classes."""

    images: StoredImages
    places: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def served(self) -> NDArray[np.uint8]:
        """(N, views, channels, side, side), as the model takes them."""
        pixels: NDArray[np.uint8] = self.images.served[self.places]
        return pixels

    @property
    def targets(self) -> Tensor:
        return torch.from_numpy(self.classes)

    def wide_view(self, place: int, rng: random.Random) -> Tensor:
        """One of an image's views, uint8 (channels, wide side, wide side)."""
        of_image = self.images.wide[self.places[place]]
        return torch.from_numpy(np.array(of_image[rng.randrange(len(of_image))]))

    def drawn(self, count: int, rng: random.Random) -> list[int]:
        """`count` places; images of a rare class are drawn more often than they occur."""
        weights = balanced(self.classes.tolist())
        return rng.choices(range(len(self)), weights.tolist(), k=count)

    def at(self, places: NDArray[np.int64]) -> "Part":
        """Some of the images, by their places in this part."""
        return Part(self.images, self.places[places], self.classes[places])

    def batches(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """The images as the model takes them, in order."""
        for start in range(0, len(self), size):
            yield self.images.served[self.places[start : start + size]]


@dataclass(frozen=True)
class Examples:
    """The images of a folder, in three parts."""

    folder: Folder
    train: Part
    validation: Part
    test: Part

    @property
    def labels(self) -> tuple[Label, ...]:
        return self.folder.labels

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in PARTS}

    def described(self) -> dict[str, Any]:
        """The classes in order, and a hash of the images' names, parts and pixels."""
        digest = hashlib.sha256()
        for name in PARTS:
            part: Part = getattr(self, name)
            for place in part.places.tolist():
                digest.update(f"{name} {self.folder.images[place].name}\n".encode())
                digest.update(part.images.thumbnails[place].tobytes())
        return {"classes": list(self.folder.classes), "images": digest.hexdigest()}


def examples_of(folder: Folder, images: StoredImages, parts: list[str]) -> Examples:
    """The readable images of `folder`, in their `parts`."""
    readable = np.array([image.name not in images.errors for image in folder.images])
    classes = np.array([image.class_id for image in folder.images], np.int64)
    places = {part: np.flatnonzero(readable & (np.array(parts) == part)) for part in PARTS}
    return Examples(folder, **{part: Part(images, found, classes[found]) for part, found in places.items()})
