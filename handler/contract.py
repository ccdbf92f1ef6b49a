"""Values that all packages share: pixels, predictions, classifications, the model card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

IMAGE_SIDE: Final = 28  # of Fashion-MNIST's images; what the server's model takes is in its card
COLOUR_SIDE: Final = 160

# (N, C, S, S), raw, with the channels and the side of the model card's `input`. Cut out: 0 black background, 255 white
# object, as in Fashion-MNIST
Pixels = NDArray[np.uint8]

# (views, C, S, S): one image; cut out, with one threshold or with several
Views = Pixels

# (160, 160, 3) RGB, raw: a whole image, squeezed to a square
ColourPixels = NDArray[np.uint8]

# (N, K), each row sums to 1
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Label:
    """One class of the model, named in English and in Chinese."""

    class_id: int
    english: str
    chinese: str


@dataclass(frozen=True)
class Prediction:
    """One class for an image: ``score`` is its probability, 0 to 1."""

    label: str
    class_id: int
    score: float


@dataclass(frozen=True)
class ModelInput:
    """One image as the networks take it; `colour` is what the colour network votes on, if there is a vote on it."""

    views: Views
    colour: ColourPixels | None


@dataclass(frozen=True)
class ModelOutput:
    """The model's output for N images: `probabilities` (N, K) of the classes, each row sums to 1.

    `known` (N,): confidence, 0 to 1, that the image shows one of the classes (in- or out-of-distribution).
    """

    probabilities: Probabilities
    known: NDArray[np.float32]


@dataclass(frozen=True)
class Classification:
    """The likeliest classes of one image, the likeliest first.

    `known_score`: confidence, 0 to 1, that the image shows one of the classes; `known`: it reaches the threshold.
    `confident`: the image is known, and the highest score reaches a threshold, chosen for 97 % right answers.
    """

    predictions: tuple[Prediction, ...]
    known: bool
    known_score: float
    confident: bool = False  # as from a server or of a result that does not say


@dataclass(frozen=True)
class Frame:
    """A square in an image, in shares of the image's width and height; it may reach beyond the image."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Explanation:
    """The model's input for an image, and which parts of it speak for the likeliest class."""

    pixels: NDArray[np.uint8]  # (C, S, S)
    activation_map: NDArray[np.float32]  # (H, W), 0 to 1, of the same square
    frame: Frame  # which part of the image that square is
    foreground: NDArray[np.bool_] | None  # (H, W), H and W at most 64: what cut-out pixels show, within the whole image


@dataclass(frozen=True)
class InputFormat:
    """The classifier's input, uint8 (N, channels, side, side), and how an image becomes that.

    `channels`: 1 for grey values, 3 for red, green and blue. `preprocessing`: "cut-out", the main object bright on
    black, or "resize", the whole image, letterboxed.
    """

    side: int
    channels: int
    preprocessing: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (channels, side, side)."""
        return self.channels, self.side, self.side


@dataclass(frozen=True)
class Title:
    """What the classes are, such as clothes."""

    english: str
    chinese: str


@dataclass(frozen=True)
class ModelCard:
    """The model card: the labels, what they are, the input's format, and the whole document as published."""

    labels: tuple[Label, ...]
    title: Title
    input: InputFormat
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def version(self) -> str:
        return str(self.document["version"])

    @property
    def known_threshold(self) -> float:
        """The lowest `known_score` at which an image counts as one of the classes."""
        return float(self.document["calibration"]["known_threshold"])

    @property
    def confident_threshold(self) -> float:
        """The lowest score of a confident answer, chosen for 97 % right labels."""
        threshold = self.document["calibration"].get("confident_threshold")
        if threshold is None:
            raise ValueError("the model card has no calibration.confident_threshold; CONFIDENT_THRESHOLD can give one")
        return float(threshold)

    @property
    def model_sha256(self) -> str:
        return str(self.document["model"]["sha256"])
