"""Intermediate images of the preprocessing by colour, for people to look at; the learned cut-out is not among them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.inference.preprocessing import THRESHOLDS, preprocessed_views, views_of
from handler.inference.transparency import opaque_part


@dataclass(frozen=True)
class Step:
    """The result of one step: an image (H, W) or (H, W, 3), and its title."""

    title: str
    image: NDArray[np.uint8]


def preprocessing_steps(image: Image.Image) -> list[Step]:
    """The steps from `image` (mode L, LA, RGB or RGBA) to its first view (28, 28), which comes last.

    That view is cut out by colour. Photos have views by the learned cut-out as well, which are not shown. An image that
    is used unchanged has two steps only.
    """
    decoded, seen = Step("decoded, upright", np.asarray(image.convert("RGB"))), views_of(image)[0][0]
    (view,) = preprocessed_views(opaque_part(image)[0], THRESHOLDS[:1])
    if not np.array_equal(seen, view.pixels):  # it already had the size and mode of the model's input
        return [decoded, Step("unchanged", seen)]
    return [
        decoded,
        Step("reduced", np.asarray(view.reduced.convert("RGB"))),
        Step("foreground", view.foreground.astype(np.uint8) * 255),
        Step("brightened, trimmed", np.asarray(view.trimmed)),
        Step("28x28", seen),
    ]
