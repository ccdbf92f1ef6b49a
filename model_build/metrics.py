"""Accuracy, precision, recall, AUROC and calibration error of predicted probabilities."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handler.contract import Label, Probabilities
from model_build.checks import check_array


def confusion_matrix(true: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.int64]:
    """(classes, classes) counts: a row for each true class, a column for each predicted class."""
    check_array("true classes", true, "int64", ("N",))
    check_array("probabilities", probabilities, "float32", (len(true), "classes"))
    classes = probabilities.shape[1]
    pairs = true * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def classification_report(
    true: NDArray[np.int64], probabilities: Probabilities, labels: Sequence[Label]
) -> Mapping[str, Any]:
    """Accuracy, precision and recall of each class (shares, 0 to 1), and the confusion matrix."""
    confusion = confusion_matrix(true, probabilities)
    correct, predicted, present = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = correct / np.maximum(predicted, 1), correct / np.maximum(present, 1)
    return {
        "images": len(true),
        "accuracy": round(float(correct.sum() / len(true)), 4),
        "per_class": [
            {"label": label.english, "precision": round(float(p), 4), "recall": round(float(r), 4)}
            for label, p, r in zip(labels, precision, recall, strict=True)
        ],
        "confusion_matrix": confusion.tolist(),
    }


def confident_threshold(
    scores: NDArray[np.floating[Any]], right: NDArray[np.bool_], share: float = 0.97, fewest: int = 20
) -> float:
    """The lowest score from which on `share` of the answers are right, rounded down to 4 digits.

    1 if there is none, or if there are fewer than `fewest` answers, too few to tell.
    """
    order = np.argsort(-scores, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= share)
    if len(scores) < fewest or not len(enough):
        return 1.0
    return math.floor(float(scores[order][enough[-1]]) * 1e4) / 1e4


def auroc(scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> float:
    """The probability that a positive scores above a negative, ties counted half (Mann and Whitney, 1947)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not (positives and negatives):
        return float("nan")
    rank_sum = ranks[inverse][positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def expected_calibration_error(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating[Any]], bins: int = 15
) -> float:
    """The mean gap between confidence and accuracy over `bins` equal ranges of confidence, weighted by their images.

    Guo et al., "On Calibration of Modern Neural Networks", arXiv 1706.04599, section 2.
    """
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(index, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(correct))


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """95 % confidence interval of the share `count` of `total`; (0, 1) of nothing.

    E. Wilson, "Probable Inference", JASA 22, 1927: unlike the normal approximation, it also holds near 0 and 1.
    """
    if not total:
        return 0.0, 1.0
    z, share = 1.96, count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def share_with_interval(true: NDArray[np.bool_]) -> Mapping[str, Any]:
    """How many of (N,) are true: number, share (None of no images) and 95 % confidence interval."""
    count, total = int(true.sum()), len(true)
    low, high = wilson_interval(count, total)
    share = round(count / total, 6) if total else None  # tables round it again, to a tenth of a percent
    return {"images": total, "share": share, "interval": [round(low, 4), round(high, 4)]}
