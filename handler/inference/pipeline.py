"""Image bytes to classifications, in one place for HTTP, the worker and the command line.

    decode -> preprocess -> classify       `prepare` does the first two, `classify_each` the third

One image that cannot be decoded does not stop the others: its error takes the place of its classification.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from handler.contract import Classification, Explanation, Frame, Views
from handler.errors import ClassifierError, OutOfMemory, OutOfTime, RejectedImage
from handler.inference.budget import Budget
from handler.inference.classifier import Classifier
from handler.inference.cutout import LazyCutOut
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, views_of

Error = TypeVar("Error", bound=ClassifierError)

_CUT_OUT: Final = LazyCutOut()


@dataclass(frozen=True)
class PreparedImage:
    """An image as the model takes it, and which part of it the first view shows."""

    views: Views
    frame: Frame


def prepare(image: bytes, max_pixels: int, budget: Budget | None = None) -> PreparedImage:
    """Decode and preprocess an encoded image, within the `budget` that it shares with others.

    Raises RejectedImage if the image cannot be classified, OutOfTime or OutOfMemory if it is to be sent again.
    """
    try:
        decoded = decode(image, max_pixels, DETAIL_SIDE, budget)
        with budget.timed() if budget else nullcontext():
            views, frame = views_of(decoded, _CUT_OUT.mask)
    except (MemoryError, RuntimeError) as error:
        if not is_memory_short(error):
            raise
        raise OutOfMemory("too little memory is free for the image now; send it again later") from error
    return PreparedImage(views[:, np.newaxis], frame)


def prepare_or_error(
    image: bytes | Error, max_pixels: int, budget: Budget | None = None
) -> PreparedImage | Error | RejectedImage | OutOfTime | OutOfMemory:
    """As `prepare`, but returns the error; an error in place of the image is passed on."""
    if isinstance(image, ClassifierError):
        return image
    try:
        return prepare(image, max_pixels, budget)
    except (RejectedImage, OutOfTime, OutOfMemory) as error:
        return type(error)(str(error))  # a copy: the traceback of the original would keep the decoded image in memory


def is_memory_short(error: Exception) -> bool:
    """Whether there was no memory, be it for the stack of a thread."""
    return isinstance(error, MemoryError) or str(error) == "can't start new thread"


def classify_each(
    classifier: Classifier, images: Sequence[PreparedImage | Error], top_k: int
) -> list[Classification | Error]:
    """Classify all prepared images in one run of the model; errors stay where they are."""
    views = [image.views for image in images if isinstance(image, PreparedImage)]
    classifications = iter(classifier.classify(views, top_k) if views else ())
    return [next(classifications) if isinstance(image, PreparedImage) else image for image in images]


def classify(classifier: Classifier, image: bytes, max_pixels: int, top_k: int) -> Classification:
    """Classify one encoded image. Raises RejectedImage."""
    (classification,) = classifier.classify([prepare(image, max_pixels).views], top_k)
    return classification


def explain(classifier: Classifier, image: PreparedImage, top_k: int) -> tuple[Classification, Explanation]:
    """Classify one image, and explain it: the model's input, and the class activation map."""
    classification, activation_map = classifier.explain(image.views, top_k)
    return classification, Explanation(image.views[0, 0], activation_map, image.frame)
