"""True classes and probabilities in, the numbers that say how good the guesses are out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handler.contract import Label, Probabilities


def confusion_matrix(true: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.int64]:
    """(classes, classes) counts: a row for each true class, a column for each guess."""
    classes = probabilities.shape[1]
    pairs = true * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def report(true: NDArray[np.int64], probabilities: Probabilities, labels: Sequence[Label]) -> Mapping[str, Any]:
    """Accuracy, precision and recall of each class (shares, 0 to 1), and the confusion matrix."""
    confusion = confusion_matrix(true, probabilities)
    right, guessed, present = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = right / np.maximum(guessed, 1), right / np.maximum(present, 1)
    return {
        "images": len(true),
        "accuracy": round(float(right.sum() / len(true)), 4),
        "per_class": [
            {"label": label.english, "precision": round(float(p), 4), "recall": round(float(r), 4)}
            for label, p, r in zip(labels, precision, recall, strict=True)
        ],
        "confusion_matrix": confusion.tolist(),
    }
