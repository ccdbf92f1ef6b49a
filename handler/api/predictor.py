"""Encoded pictures in, classifications out, off the event loop: what every dialect of the API calls."""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final, TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread

from handler.contract import Answers, Classification, Explanation, Label, Views
from handler.errors import ClassifierError
from handler.inference.classifier import Classifier
from handler.inference.decoding import framed_views_of, views_of

Result = TypeVar("Result")

# Whether the request at hand has the event loop for itself, as on Lambda. A thread, which takes longer to start there
# than a small picture to classify, would serve nobody then.
ALONE: Final[ContextVar[bool]] = ContextVar("alone", default=False)


class Recognition:
    """A classifier together with the limit on the pictures that it is shown."""

    def __init__(self, classifier: Classifier, max_pixels: int) -> None:
        self._classifier, self._max_pixels = classifier, max_pixels
        # More pictures at once than there are processors would be no faster, and each takes memory.
        self._at_once = CapacityLimiter(os.cpu_count() or 1)

    @property
    def labels(self) -> tuple[Label, ...]:
        return self._classifier.labels

    async def in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What `work` returns, while the event loop goes on, if there is anyone else to serve."""
        if ALONE.get():
            return work(*arguments)
        return await to_thread.run_sync(work, *arguments, limiter=self._at_once)

    def views(self, image: bytes) -> Views:
        """An encoded image as the model takes it, uint8 (views, 1, 28, 28). Raises RejectedImage."""
        return views_of(image, self._max_pixels)

    def answers_to(self, pictures: Sequence[Views]) -> Answers:
        """The answers to N pictures, in one run of the model."""
        return self._classifier.answers_to(pictures)

    def classify(self, image: bytes, top_k: int) -> Classification:
        """Raises RejectedImage."""
        (classification,) = self._classifier.classify([self.views(image)], top_k)
        return classification

    def classify_each(
        self, images: Sequence[bytes | ClassifierError], top_k: int
    ) -> list[Classification | ClassifierError]:
        """All that can be classified in one run of the model; each other image gets the error that it met."""
        prepared = [self._views_or_error(image) for image in images]
        pictures = [outcome for outcome in prepared if isinstance(outcome, np.ndarray)]
        classified = iter(self._classifier.classify(pictures, top_k) if pictures else ())
        return [outcome if isinstance(outcome, ClassifierError) else next(classified) for outcome in prepared]

    def classify_and_explain(self, image: bytes, top_k: int) -> tuple[Classification, Explanation]:
        """As `classify`, and what the model saw of the image, and where it looked for its best guess."""
        views, frame = framed_views_of(image, self._max_pixels)
        (classification,) = self._classifier.classify([views], top_k)
        (activation_map,) = self._classifier.activation_maps(views[:1], [classification.predictions[0].class_id])
        return classification, Explanation(views[0, 0], activation_map, frame)

    def _views_or_error(self, image: bytes | ClassifierError) -> Views | ClassifierError:
        if isinstance(image, ClassifierError):
            return image
        try:
            return self.views(image)
        except ClassifierError as error:
            return error
