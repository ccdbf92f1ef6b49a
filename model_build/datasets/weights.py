"""Weights that balance groups of examples, such as kinds of photos, of which there are more and fewer."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def balanced(groups: Sequence[Hashable], power: float = -0.5) -> NDArray[np.float64]:
    """Weights (N,), sum 1, of members of `groups`: each of a group of n has n to the power of `power`, up to a factor.

    With -0.5, a group as a whole weighs as the root of its size; with -1, all groups weigh the same.
    """
    counts = Counter(groups)
    weights = np.array([counts[group] ** power for group in groups], np.float64)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
