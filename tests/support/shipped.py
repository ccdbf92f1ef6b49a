"""The shipped model, loaded once for all tests."""

from typing import Final

from handler.inference import pipeline
from handler.inference.classifier import Classifier
from handler.inference.pipeline import PreparedImage

SHIPPED: Final = Classifier.shipped()


def prepare(image: bytes, max_pixels: int = 50_000_000) -> PreparedImage:
    """An encoded image as the shipped model's networks take it."""
    return pipeline.prepare(SHIPPED, image, max_pixels)
