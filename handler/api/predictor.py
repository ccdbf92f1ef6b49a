"""Classify encoded images for the routes, and record in the request's trace how long it took and what came out."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from handler.contract import Classification, Explanation, Label, ModelOutput, Views
from handler.errors import ClassifierError, RejectedImage
from handler.inference import pipeline
from handler.inference.classifier import Classifier
from handler.inference.pipeline import PreparedImage
from handler.telemetry.request_trace import current_trace

Result = TypeVar("Result")


class Predictor:
    """A classifier with a limit on the pixels of an image. With `offload`, work runs in threads.

    On Lambda a process serves one request at a time, so that a thread would serve nobody, and starting one takes
    longer than classifying a small image.
    """

    def __init__(self, classifier: Classifier, max_pixels: int, *, offload: bool) -> None:
        self._classifier, self._max_pixels, self._offload = classifier, max_pixels, offload
        # More images at once than there are processors would be no faster, and each takes memory.
        self._limiter = CapacityLimiter(os.cpu_count() or 1)

    @property
    def labels(self) -> tuple[Label, ...]:
        return self._classifier.labels

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Call `work`, in a thread if the event loop has others to serve."""
        if not self._offload:
            return work(*arguments)
        return await to_thread.run_sync(work, *arguments, limiter=self._limiter)

    def classify(self, image: bytes, top_k: int) -> Classification:
        """Raises RejectedImage."""
        (outcome,) = self.classify_each([image], top_k)
        if isinstance(outcome, ClassifierError):
            raise outcome
        return outcome

    def classify_each(
        self, images: Sequence[bytes | ClassifierError], top_k: int
    ) -> list[Classification | ClassifierError]:
        """Classify all images in one run of the model; an image that cannot be decoded gets its error instead."""
        prepared = [self._prepare_or_error(image) for image in images]
        nothing_to_infer = all(isinstance(image, ClassifierError) for image in prepared)
        with nullcontext() if nothing_to_infer else current_trace().span("infer"):
            outcomes = pipeline.classify_each(self._classifier, prepared, top_k)
        current_trace().record(outcome for outcome in outcomes if isinstance(outcome, Classification))
        return outcomes

    def explain(self, image: bytes, top_k: int) -> tuple[Classification, Explanation]:
        """As `classify`, with the model's input and the class activation map. Raises RejectedImage."""
        prepared = self._prepare(image)
        with current_trace().span("infer"):
            classification, explanation = pipeline.explain(self._classifier, prepared, top_k)
        current_trace().record([classification])
        return classification, explanation

    def views(self, image: bytes) -> Views:
        """The input of the model for an encoded image, uint8 (views, 1, 28, 28). Raises RejectedImage."""
        return self._prepare(image).views

    def predict(self, images: Sequence[Views]) -> ModelOutput:
        """The output of the model for N images, in one run."""
        with current_trace().span("infer"):
            output = self._classifier.predict_views(images)
        current_trace().record(self._classifier.classifications(output, top_k=1))
        return output

    def _prepare(self, image: bytes) -> PreparedImage:
        prepared = self._prepare_or_error(image)
        if isinstance(prepared, ClassifierError):
            raise prepared
        return prepared

    def _prepare_or_error(self, image: bytes | ClassifierError) -> PreparedImage | ClassifierError:
        if isinstance(image, ClassifierError):
            return image
        with current_trace().span("decode"):
            prepared = pipeline.prepare_or_error(image, self._max_pixels)
        if isinstance(prepared, RejectedImage):
            current_trace().record([prepared])
        return prepared
