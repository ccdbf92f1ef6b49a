"""Mixed photos: two blended, or a square of one pasted into another, with targets in the same shares.

H. Zhang et al., "mixup: Beyond Empirical Risk Minimization" (arXiv 1710.09412); S. Yun et al., "CutMix" (arXiv
1905.04899). A teacher is asked about the mixed image itself, so that there is something to learn from between photos.
"""

import random
from typing import Final

import torch
from torch import Tensor

_LEAST: Final = 0.55  # of the first of two photos
_MOST: Final = 0.95


def mixed(images: Tensor, targets: Tensor, chosen: Tensor, rng: random.Random) -> tuple[Tensor, Tensor]:
    """`images` (N, 3, side, side) and `targets` (N, classes), those that are `chosen` (N,) mixed with one another."""
    first = chosen.nonzero()[:, 0]
    order = list(range(len(first)))
    rng.shuffle(order)
    second, share = first[order], rng.uniform(_LEAST, _MOST)
    images, targets = images.clone(), targets.clone()
    if rng.random() < 0.5:
        images[first] = torch.lerp(images[second], images[first], share)
    else:
        side = images.shape[-1]
        square = max(1, round(side * (1 - share) ** 0.5))
        top, left = (rng.randint(0, side - square) for _ in range(2))
        place = (slice(None), slice(top, top + square), slice(left, left + square))
        images[(first, *place)] = images[(second, *place)]
        share = 1 - (square / side) ** 2
    targets[first] = torch.lerp(targets[second], targets[first], share)
    return images, targets
