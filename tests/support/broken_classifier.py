"""A classifier that is broken."""

from collections.abc import Sequence

from handler.contract import Classification, Views
from handler.inference.classifier import Classifier


class BrokenClassifier(Classifier):
    """Fails in a way that nobody foresaw."""

    def classify(self, pictures: Sequence[Views], top_k: int) -> list[Classification]:
        raise ZeroDivisionError(f"{len(pictures)} {top_k}")
