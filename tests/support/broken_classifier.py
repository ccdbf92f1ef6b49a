"""A classifier that raises an unexpected exception."""

from collections.abc import Sequence

from handler.contract import Classification, Views
from handler.inference.classifier import Classifier


class BrokenClassifier(Classifier):
    """Raises ZeroDivisionError on every call."""

    def classify(self, images: Sequence[Views], top_k: int) -> list[Classification]:
        raise ZeroDivisionError(f"{len(images)} {top_k}")
