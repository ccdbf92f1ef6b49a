"""A picture in, what each step of the shipped conversion makes of it out, for people to look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.inference.preprocessing import CUTS, conversions, views_of


@dataclass(frozen=True)
class Stage:
    """One step's result: (H, W) or (H, W, 3), and what was done."""

    title: str
    image: NDArray[np.uint8]


def conversion_stages(picture: Image.Image) -> list[Stage]:
    """How the first view of `picture` (mode L, LA, RGB or RGBA) comes about, step by step.

    The last stage is that view (28, 28). A picture that is taken as it is has two stages only.
    """
    decoded, seen = Stage("decoded, upright", np.asarray(picture.convert("RGB"))), views_of(picture)[0][0]
    (steps,) = conversions(picture, CUTS[:1])
    if not np.array_equal(seen, steps.pixels):  # it was of the model's size and kind already
        return [decoded, Stage("as it is", seen)]
    return [
        decoded,
        Stage("reduced", np.asarray(steps.reduced.convert("RGB"))),
        Stage("garment", steps.garment.astype(np.uint8) * 255),
        Stage("brightened", steps.brightened.astype(np.uint8)),
        Stage("trimmed", np.asarray(steps.trimmed)),
        Stage("28x28", seen),
    ]
