"""The words that all parts share: pixels go into the model, predictions come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

IMAGE_SIDE: Final = 28

# (N, 1, 28, 28), raw grey values as Fashion-MNIST has them: 0 black ground, 255 white garment
Pixels = NDArray[np.uint8]

# (views, 1, 28, 28): one picture, cut out in one way or in several
Views = Pixels

# (N, 10), each row sums to 1
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Label:
    """One class of the model, named in English and in Chinese."""

    class_id: int
    english: str
    chinese: str


@dataclass(frozen=True)
class Prediction:
    """One guess: ``score`` is the probability, 0 to 1, that the class is right."""

    label: str
    class_id: int
    score: float


@dataclass(frozen=True)
class Answers:
    """What the model says of N images: `probabilities` (N, 10), and `known` (N,), how surely each shows any class."""

    probabilities: Probabilities
    known: NDArray[np.float32]


@dataclass(frozen=True)
class Classification:
    """The likeliest classes of one image, the likeliest first, and whether it shows any of the classes at all.

    `known_score`, 0 to 1, is how surely it does; `known` says that this is sure enough.
    """

    predictions: tuple[Prediction, ...]
    known: bool
    known_score: float


@dataclass(frozen=True)
class Frame:
    """A square in a picture, in shares of the picture's width and height; it may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Explanation:
    """What the model saw of a picture, and where it looked for its best guess."""

    pixels: NDArray[np.uint8]  # (28, 28)
    activation_map: NDArray[np.float32]  # (7, 7), 0 to 1, of the same square
    frame: Frame  # which part of the picture that square is


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model: its labels, and the whole document as it is published."""

    labels: tuple[Label, ...]
    document: Mapping[str, Any]

    @property
    def known_threshold(self) -> float:
        """From which `known_score` on an image counts as one of the classes."""
        return float(self.document["calibration"]["known_threshold"])

    @property
    def model_sha256(self) -> str:
        return str(self.document["model"]["sha256"])
