"""Random colours and preprocessing thresholds, for everything that is altered or synthesized."""

import random
from typing import Final

THRESHOLD_RANGE: Final = (0.55, 1.5)  # of the shipped threshold: a little beyond the views that are served

Colour = tuple[int, int, int]


def random_colour(rng: random.Random) -> Colour:
    return (rng.randrange(256), rng.randrange(256), rng.randrange(256))


def random_threshold(rng: random.Random) -> float:
    """A factor for the threshold that separates an object from its background."""
    return rng.uniform(*THRESHOLD_RANGE)
