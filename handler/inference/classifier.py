"""Run the ONNX model: pixels to class probabilities, with the colour network's vote on photos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handler.contract import (
    IMAGE_SIDE,
    Classification,
    Label,
    ModelInput,
    ModelOutput,
    Pixels,
    Prediction,
    Probabilities,
    Views,
)
from handler.inference.card import CARD_PATH, MODEL_PATH, read_card
from handler.inference.colour import COLOUR_MODEL_PATH, ColourClassifier
from handler.inference.session import new_session
from handler.inference.vote import PhotoVote, Vote

__all__ = ["CARD_PATH", "MODEL_PATH", "Classifier", "read_card"]


class Classifier:
    """An ONNX Runtime session, created once: uint8 pixels (N, 1, 28, 28) to a ModelOutput.

    An image is known if the model's `known` output reaches `known_threshold`, and the answer is confident if its score
    reaches `confident_threshold`, too. Without a `photo_vote`, the views alone decide on photos.
    """

    def __init__(
        self,
        model_path: Path,
        labels: Sequence[Label],
        known_threshold: float = 0.5,
        confident_threshold: float = 1.0,
        photo_vote: PhotoVote | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.known_threshold, self.confident_threshold = known_threshold, confident_threshold
        self._photo_vote = photo_vote
        self._session = new_session(model_path)

    @classmethod
    def shipped(cls, known_threshold: float | None = None, confident_threshold: float | None = None) -> "Classifier":
        """Load the model that is part of this package, and run it once, so that the first image is as fast as the next.

        The thresholds are the model card's, unless they are given.
        """
        classifier = cls.of_folder(MODEL_PATH.parent, known_threshold, confident_threshold)
        classifier.predict(np.zeros((1, 1, IMAGE_SIDE, IMAGE_SIDE), np.uint8))
        return classifier

    @classmethod
    def of_folder(
        cls, folder: Path, known_threshold: float | None = None, confident_threshold: float | None = None
    ) -> "Classifier":
        """The model in `folder`, named as in this package. Raises ValueError if its card lacks the vote's constants."""
        card = read_card(folder / CARD_PATH.name)
        return cls(
            folder / MODEL_PATH.name,
            card.labels,
            card.known_threshold if known_threshold is None else known_threshold,
            card.confident_threshold if confident_threshold is None else confident_threshold,
            PhotoVote(ColourClassifier(folder / COLOUR_MODEL_PATH.name), Vote.of_card(card.document)),
        )

    def predict(self, pixels: Pixels) -> ModelOutput:
        """Run the model on uint8 pixels (N, 1, 28, 28). Raises ValueError for any other array."""
        return ModelOutput(*self.outputs(pixels, "probabilities", "known"))

    def probabilities(self, pixels: Pixels) -> Probabilities:
        """Only the probabilities (N, 10) of `predict`."""
        return self.predict(pixels).probabilities

    def predict_views(self, images: Sequence[Views]) -> ModelOutput:
        """Run the model once on all views of N images, and average over the views of each image."""
        return _mean_over_views(self.predict(np.concatenate(images)), [len(views) for views in images])

    def predict_images(self, images: Sequence[ModelInput]) -> ModelOutput:
        """As `predict_views`, with the vote on photos. The views of all images are one run."""
        return self._with_vote(self.predict_views([image.views for image in images]), images)

    def classify(self, images: Sequence[ModelInput], top_k: int) -> list[Classification]:
        """Classify each of N images, and name its `top_k` likeliest classes."""
        return self.classifications(self.predict_images(images), top_k)

    def classifications(self, output: ModelOutput, top_k: int) -> list[Classification]:
        """Rank the classes of each image of `output`."""
        return [
            self._classification(self._ranked(scores, top_k), known)
            for scores, known in zip(output.probabilities, output.known, strict=True)
        ]

    def explain(self, image: ModelInput, top_k: int) -> tuple[Classification, NDArray[np.float32]]:
        """Classify one image, with the class activation map (7, 7) of its first view: 0 no contribution, 1 most.

        The map is of the likeliest class. Source: B. Zhou et al., "Learning Deep Features for Discriminative
        Localization" (arXiv 1512.04150).
        """
        probabilities, known, maps = self.outputs(image.views, "probabilities", "known", "activation_maps")
        of_views = _mean_over_views(ModelOutput(probabilities, known), [len(image.views)])
        (classification,) = self.classifications(self._with_vote(of_views, [image]), top_k)
        activation_map: NDArray[np.float32] = maps[0, classification.predictions[0].class_id].clip(min=0)
        highest = activation_map.max()
        return classification, activation_map / highest if highest > 0 else activation_map

    def outputs(self, pixels: Pixels, *names: str) -> list[NDArray[np.float32]]:
        """The model's outputs `names`, or all of them. Raises ValueError as `predict` does."""
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (1, IMAGE_SIDE, IMAGE_SIDE):
            raise ValueError(
                f"the model takes uint8 pixels of shape (N, 1, 28, 28), but got {pixels.dtype} of shape {pixels.shape}"
            )
        return [np.asarray(output) for output in self._session.run(names or None, {"images": pixels})]

    def _with_vote(self, output: ModelOutput, images: Sequence[ModelInput]) -> ModelOutput:
        return self._photo_vote.applied(output, images) if self._photo_vote else output

    def _classification(self, predictions: tuple[Prediction, ...], known_score: np.float32) -> Classification:
        is_known = bool(known_score >= self.known_threshold)
        is_confident = is_known and predictions[0].score >= self.confident_threshold
        return Classification(predictions, is_known, float(known_score), is_confident)

    def _ranked(self, scores: Probabilities, top_k: int) -> tuple[Prediction, ...]:
        best = np.argsort(-scores, kind="stable")[:top_k]
        return tuple(Prediction(self.labels[i].english, int(i), float(scores[i])) for i in best)


def _mean_over_views(output: ModelOutput, counts: Sequence[int]) -> ModelOutput:
    """Average the rows of each image, which has `counts[i]` views, in order."""
    if len(output.known) == len(counts):
        return output
    ends = np.cumsum(counts)[:-1]
    return ModelOutput(
        np.stack([rows.mean(axis=0) for rows in np.split(output.probabilities, ends)]),
        np.stack([rows.mean() for rows in np.split(output.known, ends)]),
    )
