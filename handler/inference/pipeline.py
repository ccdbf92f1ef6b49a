"""Image bytes to classifications, in one place for HTTP, the worker and the command line.

    decode -> preprocess -> classify       `prepare` does the first two, `classify_each` the third

How an image is preprocessed is said by the classifier's `input`, which comes from the model card. One image that cannot
be decoded does not stop the others: its error takes the place of its classification.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from PIL import Image

from handler.contract import Classification, Explanation, Frame, ModelInput
from handler.errors import ClassifierError, OutOfMemory, OutOfTime, RejectedImage
from handler.inference.budget import Budget
from handler.inference.card import RESIZE
from handler.inference.classifier import Classifier
from handler.inference.colour import colour_pixels
from handler.inference.decoding import decode
from handler.inference.letterbox import letterbox_frame, letterboxed
from handler.inference.preprocessing import DETAIL_SIDE, preprocessed, within_image
from handler.inference.transparency import Mask

Error = TypeVar("Error", bound=ClassifierError)

_WHOLE: Final = Frame(0.0, 0.0, 1.0, 1.0)
_FOREGROUND_SIDE: Final = 64  # pixels of an explanation's foreground, along the longer side


@dataclass(frozen=True)
class PreparedImage(ModelInput):
    """An image as the networks take it, and which part of it the first view shows."""

    frame: Frame  # the square that the pixels of the view are
    part: Frame  # the image without a transparent margin
    foreground: Mask | None  # (H, W) of that part, maybe squeezed; None if nothing is cut out
    size: tuple[int, int]  # of the whole image, decoded


def prepare(classifier: Classifier, image: bytes, max_pixels: int, budget: Budget | None = None) -> PreparedImage:
    """Decode and preprocess an encoded image for `classifier`, within the `budget` that it shares with others.

    Raises RejectedImage if the image cannot be classified, OutOfTime or OutOfMemory if it is to be sent again.
    """
    resizes = classifier.input.preprocessing == RESIZE
    try:
        needed_side = max(classifier.input.side, 0 if resizes else DETAIL_SIDE)
        decoded = decode(image, max_pixels, needed_side, budget)
        with budget.timed() if budget else nullcontext():
            return _resized(decoded, classifier) if resizes else _cut_out(decoded, classifier)
    except (MemoryError, RuntimeError) as error:
        if not is_memory_short(error):
            raise
        raise OutOfMemory("too little memory is free for the image now; send it again later") from error


def _resized(image: Image.Image, classifier: Classifier) -> PreparedImage:
    pixels = letterboxed(image, classifier.input.side, classifier.input.channels)
    return PreparedImage(pixels[np.newaxis], None, letterbox_frame(image.size), _WHOLE, None, image.size)


def _cut_out(image: Image.Image, classifier: Classifier) -> PreparedImage:
    garment_mask = classifier.cut_out.mask if classifier.cut_out else None
    found = preprocessed(image, garment_mask, classifier.input.side)
    colour = None if found.photo is None else colour_pixels(found.photo)
    return PreparedImage(found.views[:, np.newaxis], colour, found.frame, found.part, found.foreground, image.size)


def prepare_or_error(
    classifier: Classifier, image: bytes | Error, max_pixels: int, budget: Budget | None = None
) -> PreparedImage | Error | RejectedImage | OutOfTime | OutOfMemory:
    """As `prepare`, but returns the error; an error in place of the image is passed on."""
    if isinstance(image, ClassifierError):
        return image
    try:
        return prepare(classifier, image, max_pixels, budget)
    except (RejectedImage, OutOfTime, OutOfMemory) as error:
        return type(error)(str(error))  # a copy: the traceback of the original would keep the decoded image in memory


def is_memory_short(error: Exception) -> bool:
    """Whether there was no memory, be it for the stack of a thread."""
    return isinstance(error, MemoryError) or str(error) == "can't start new thread"


def classify_each(
    classifier: Classifier, images: Sequence[PreparedImage | Error], top_k: int
) -> list[Classification | Error]:
    """Classify all prepared images, their views in one run of the classifier; errors stay where they are."""
    prepared = [image for image in images if isinstance(image, PreparedImage)]
    classifications = iter(classifier.classify(prepared, top_k) if prepared else ())
    return [next(classifications) if isinstance(image, PreparedImage) else image for image in images]


def classify(classifier: Classifier, image: bytes, max_pixels: int, top_k: int) -> Classification:
    """Classify one encoded image. Raises RejectedImage."""
    (classification,) = classifier.classify([prepare(classifier, image, max_pixels)], top_k)
    return classification


def explain(classifier: Classifier, image: PreparedImage, top_k: int) -> tuple[Classification, Explanation]:
    """Classify one image, and explain it: the classifier's input, the map of the likeliest class, the foreground."""
    classification, activation_map = classifier.explain(image, top_k)
    found = image.foreground
    foreground = None if found is None else within_image(found, image.part, image.size, _FOREGROUND_SIDE)
    return classification, Explanation(image.views[0], activation_map, image.frame, foreground)
