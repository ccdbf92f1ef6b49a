"""Colour network: an image in colour to probabilities of the ten classes, and of none of them.

It sees what the 28x28 pixels of the classifier cannot show: fabric, soles and laces, and what surrounds a garment.
"""

from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from handler.inference.classifier import session_options

COLOUR_MODEL_PATH: Final = Path(__file__).parents[1] / "model" / "colour.onnx"
COLOUR_SIDE: Final = 160


class ColourClassifier:
    """An ONNX Runtime session, created for the first image: few requests may have photos."""

    def __init__(self, path: Path = COLOUR_MODEL_PATH) -> None:
        self._path = path

    def predict(self, image: Image.Image) -> NDArray[np.float32]:
        """Probabilities (11,) of the ten classes, by their ids, and of none of them; their sum is 1.

        The whole image is squeezed to a square, as in training; transparent pixels become white.
        """
        (probabilities,) = self._session.run(["probabilities"], {"images": squeezed(image)[np.newaxis]})
        row: NDArray[np.float32] = np.asarray(probabilities)[0]
        return row

    @cached_property
    def _session(self) -> ort.InferenceSession:
        return ort.InferenceSession(self._path, sess_options=session_options(), providers=["CPUExecutionProvider"])


def squeezed(image: Image.Image) -> NDArray[np.uint8]:
    """An image in mode L, LA, RGB or RGBA as the network takes it: (160, 160, 3)."""
    if image.mode in ("LA", "RGBA"):
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return np.asarray(image.convert("RGB").resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BILINEAR))
