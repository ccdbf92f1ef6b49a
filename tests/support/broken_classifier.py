"""A classifier that raises an unexpected exception."""

from collections.abc import Sequence

from handler.contract import Classification, ModelInput
from handler.inference.classifier import Classifier


class BrokenClassifier(Classifier):
    """Raises ZeroDivisionError on every call."""

    def classify(self, images: Sequence[ModelInput], top_k: int) -> list[Classification]:
        raise ZeroDivisionError(f"{len(images)} {top_k}")
