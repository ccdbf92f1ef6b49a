"""Colour network: an image in colour to probabilities of the classes, and of none of them.

It sees what the cut-out grey pixels of the classifier cannot show: fabric, soles and laces, and what surrounds them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.contract import COLOUR_SIDE, ColourPixels
from handler.inference.letterbox import on_white, squeezed
from handler.inference.session import LazySession, in_parts

COLOUR_MODEL_PATH: Final = Path(__file__).parents[1] / "model" / "colour.onnx"


class ColourClassifier:
    """The network, loaded by its first image: few requests may have photos. Threads may share it."""

    def __init__(self, path: Path = COLOUR_MODEL_PATH) -> None:
        self._session = LazySession(path)

    def predict(self, image: Image.Image) -> NDArray[np.float32]:
        """Probabilities (K + 1,) of the classes, by their ids, and of none of them; their sum is 1."""
        row: NDArray[np.float32] = self.probabilities([colour_pixels(image)])[0]
        return row

    def probabilities(self, images: Iterable[ColourPixels]) -> NDArray[np.float32]:
        """Probabilities (N, K + 1) of N images (160, 160, 3), each as `colour_pixels` returns it.

        One run for each: a run for several would round differently, takes N times the memory, and is not faster.
        """
        return np.concatenate(in_parts(self._each, list(images), 1))

    def _each(self, images: list[ColourPixels]) -> NDArray[np.float32]:
        return np.concatenate([self._session.run(image[np.newaxis]) for image in images])


def colour_pixels(image: Image.Image) -> ColourPixels:
    """An image in mode L, LA, RGB or RGBA as the network takes it: (160, 160, 3).

    The whole image is squeezed to a square, as in training; transparent pixels become white.
    """
    return np.asarray(squeezed(on_white(image).convert("RGB"), COLOUR_SIDE))
