"""Occlusion map: how much the probability of a class falls when a part of the image is hidden.

For networks without class activation maps. Source: M. Zeiler and R. Fergus, "Visualizing and Understanding
Convolutional Networks" (arXiv 1311.2901), section 4.2.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import Pixels

_PARTS: Final = 7  # along each side, as Fashion-MNIST's activation maps have them


def occlusion_map(probability: Callable[[Pixels], float], image: Pixels) -> NDArray[np.float32]:
    """(7, 7): the `probability` of an image (1, C, S, S), less that with each part hidden by the median colour."""
    whole = probability(image)
    falls = [whole - probability(hidden) for hidden in _hidden(image)]
    return np.array(falls, np.float32).reshape(_PARTS, _PARTS)


def _hidden(image: Pixels) -> Iterator[Pixels]:
    """Copies of the image with one part each in its median colour."""
    colour = np.median(image, axis=(2, 3), keepdims=True).astype(np.uint8)
    edges = np.linspace(0, image.shape[-1], _PARTS + 1).round().astype(int).tolist()
    for (top, bottom), (left, right) in product(pairwise(edges), repeat=2):
        copy = image.copy()
        copy[:, :, top:bottom, left:right] = colour
        yield copy
