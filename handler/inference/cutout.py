"""Cut out the main garment of a photo with a small network: RGB image to a mask, garment 1 and everything else 0.

The network is a U-Net (O. Ronneberger, P. Fischer and T. Brox, arXiv 1505.04597) whose skips are sums.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.inference.session import LazySession

CUTOUT_PATH: Final = Path(__file__).parents[1] / "model" / "cutout.onnx"
SIDE: Final = 64  # of the network's input and of its mask
LOGITS_PER_STEP: Final = 1 / 32  # its output counts in these from 128: about -4 to 4, 0.02 to 0.98 as probabilities

# From output to probability. A table, as the exponential of each processor's vector unit may round otherwise.
_PROBABILITIES: Final = np.array(
    [1 / (1 + math.exp((128 - step) * LOGITS_PER_STEP)) for step in range(256)], np.float32
)


class CutOut:
    """The network, loaded by its first photo: images as the model takes them never need it. Threads may share it."""

    def __init__(self, path: Path = CUTOUT_PATH) -> None:
        self._session = LazySession(path)

    def mask(self, image: Image.Image) -> NDArray[np.float32]:
        """(SIDE, SIDE), 0 to 1: the probability that a place of `image`, squeezed to a square, is of the garment."""
        squeezed = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        steps = self._session.run(np.asarray(squeezed)[np.newaxis])
        probabilities: NDArray[np.float32] = _PROBABILITIES[steps.reshape(SIDE, SIDE)]
        return probabilities
