"""Selective classification: the score from which an answer is confident, and what it costs to ask for more.

R. El-Yaniv and Y. Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010: coverage is the
share of images that get an answer, and a higher threshold trades it for accuracy.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelOutput
from model_build.metrics import share_with_interval

RIGHT: Final = 0.97  # of the confident answers
TABLE_THRESHOLDS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def confident_threshold(
    scores: NDArray[np.floating[Any]], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """The lowest score, rounded up to hundredths, from which a share of `RIGHT` of the weight of N images is right."""
    descending = np.argsort(-scores, kind="stable")
    share = np.cumsum((right * weights)[descending]) / np.cumsum(weights[descending])
    reached = np.flatnonzero(share >= RIGHT)
    lowest = float(scores[descending][reached[-1]]) if len(reached) else 1.0
    return min(1.0, math.ceil(100 * lowest) / 100)


def coverage_table(
    output: ModelOutput, classes: NDArray[np.int64], known_threshold: float, thresholds: Sequence[float]
) -> list[Mapping[str, Any]]:
    """For each threshold of the score: the share answered of the ten classes, how many of these are right.

    An image is answered if it is known and its score reaches the threshold. `classes` (N,) are -1 for none of the ten;
    the last column is the share of these that is answered, always wrongly.
    """
    scores, ten = output.probabilities.max(axis=1), classes >= 0
    right = output.probabilities.argmax(axis=1) == classes
    rows: list[Mapping[str, Any]] = []
    for threshold in sorted(thresholds):
        answered = (output.known >= known_threshold) & (scores >= threshold)
        rows.append(
            {
                "threshold": threshold,
                "answered": share_with_interval(answered[ten]),
                "right": share_with_interval(right[ten & answered]),
                "outliers_answered": share_with_interval(answered[~ten]),
            }
        )
    return rows
