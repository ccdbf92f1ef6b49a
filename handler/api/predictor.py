"""Classify encoded images for the routes, and record in the request's trace how long it took and what came out."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from PIL import Image

from handler.api.bulkheads import Bulkheads
from handler.contract import Classification, Explanation, Label, ModelInput, ModelOutput
from handler.errors import ClassifierError, RejectedImage
from handler.inference import pipeline
from handler.inference.budget import Budget
from handler.inference.classifier import Classifier
from handler.inference.decoding import decode
from handler.inference.pipeline import PreparedImage
from handler.settings import Settings
from handler.telemetry.request_trace import current_trace


class Predictor:
    """A classifier with limits on the pixels of an image, and on pixels and seconds of all images of a request.

    Routes call its methods by `bulkheads.run`, which gives the budget; with `offload`, in threads.
    """

    def __init__(
        self,
        classifier: Classifier,
        max_pixels: int,
        *,
        offload: bool,
        max_batch_pixels: int = Settings.max_batch_pixels,
        request_seconds: float = Settings.request_seconds,
    ) -> None:
        self._classifier, self._max_pixels = classifier, max_pixels
        self.bulkheads = Bulkheads(
            max_batch_pixels, request_seconds, offload=offload, image_pixels=classifier.input.side**2
        )

    @property
    def labels(self) -> tuple[Label, ...]:
        return self._classifier.labels

    @property
    def known_threshold(self) -> float:
        return self._classifier.known_threshold

    @property
    def confident_threshold(self) -> float:
        return self._classifier.confident_threshold

    def classify(self, image: bytes, top_k: int, budget: Budget | None = None) -> Classification:
        """Raises RejectedImage, OutOfTime or OutOfMemory."""
        (outcome,) = self.classify_each([image], top_k, budget)
        if isinstance(outcome, ClassifierError):
            raise outcome
        return outcome

    def classify_each(
        self, images: Sequence[bytes | ClassifierError], top_k: int, budget: Budget | None = None
    ) -> list[Classification | ClassifierError]:
        """Classify all images in one run of the model; an image that cannot be decoded gets its error instead."""
        prepared = self._prepared(images, budget)
        with _span("infer", prepared):
            outcomes = pipeline.classify_each(self._classifier, prepared, top_k)
        current_trace().record(outcome for outcome in outcomes if isinstance(outcome, Classification))
        return outcomes

    def explain(self, image: bytes, top_k: int, budget: Budget | None = None) -> tuple[Classification, Explanation]:
        """As `classify`, with the model's input and the class activation map."""
        prepared = self._one(image, budget)
        with current_trace().span("infer"):
            classification, explanation = pipeline.explain(self._classifier, prepared, top_k)
        current_trace().record([classification])
        return classification, explanation

    def prepare(self, image: bytes, budget: Budget | None = None) -> ModelInput:
        """The input of the networks for an encoded image. Raises as `classify` does."""
        return self._one(image, budget)

    def picture(self, image: bytes, side: int, budget: Budget) -> Image.Image:
        """An encoded image, upright, at most `side` pixels wide and high. Raises as `classify` does."""
        with current_trace().span("decode"):
            decoded = decode(image, self._max_pixels, side, budget)
            with budget.timed():
                decoded.thumbnail((side, side))
        return decoded

    def guess(self, image: bytes) -> Classification:
        """Classify a small image of this program's own making, not of a client: no budget, and no metrics."""
        with current_trace().span("infer"):
            return pipeline.classify(self._classifier, image, self._max_pixels, top_k=1)

    def predict(self, images: Sequence[ModelInput]) -> ModelOutput:
        """The output for N images, their views in one run of the classifier."""
        with current_trace().span("infer"):
            output = self._classifier.predict_images(images)
        current_trace().record(self._classifier.classifications(output, top_k=1))
        return output

    def _one(self, image: bytes, budget: Budget | None) -> PreparedImage:
        (prepared,) = self._prepared([image], budget)
        if isinstance(prepared, ClassifierError):
            raise prepared
        return prepared

    def _prepared(
        self, images: Sequence[bytes | ClassifierError], budget: Budget | None
    ) -> list[PreparedImage | ClassifierError]:
        with _span("decode", images):
            prepare = partial(pipeline.prepare_or_error, self._classifier, max_pixels=self._max_pixels, budget=budget)
            prepared = [prepare(image) for image in images]
        # After the loop, since a budget may stop the work, which then starts again; passed-on errors are the request's.
        pairs = zip(images, prepared, strict=True)
        current_trace().record(new for old, new in pairs if isinstance(new, RejectedImage) and new is not old)
        return prepared


def _span(name: str, images: Sequence[object]) -> AbstractContextManager[None]:
    """Times `name`, unless all images are errors: then there is nothing to do."""
    is_needed = not all(isinstance(image, ClassifierError) for image in images)
    return current_trace().span(name) if is_needed else nullcontext()
