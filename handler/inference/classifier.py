"""Run the ONNX model: pixels to class probabilities."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from handler.contract import (
    IMAGE_SIDE,
    Classification,
    Label,
    ModelCard,
    ModelOutput,
    Pixels,
    Prediction,
    Probabilities,
    Views,
)

MODEL_PATH = Path(__file__).parents[1] / "model" / "classifier.onnx"
CARD_PATH = MODEL_PATH.with_suffix(".json")


def read_card(path: Path = CARD_PATH) -> ModelCard:
    """Read the model card at `path`, a JSON document with its ``labels`` in the order of their class ids."""
    document = json.loads(path.read_text(encoding="utf-8"))
    labels = tuple(Label(row["class_id"], row["english"], row["chinese"]) for row in document["labels"])
    return ModelCard(labels, document)


class Classifier:
    """An ONNX Runtime session, created once: uint8 pixels (N, 1, 28, 28) to a ModelOutput.

    An image is known if the model's `known` output reaches `known_threshold`.
    """

    def __init__(self, model_path: Path, labels: Sequence[Label], known_threshold: float = 0.5) -> None:
        self.labels = tuple(labels)
        self.known_threshold = known_threshold
        self._session = ort.InferenceSession(
            model_path, sess_options=session_options(), providers=["CPUExecutionProvider"]
        )

    @classmethod
    def shipped(cls, known_threshold: float | None = None) -> "Classifier":
        """Load the model that is part of this package, and run it once, so that the first image is as fast as the next.

        The threshold is the model card's, unless it is given.
        """
        card = read_card()
        classifier = cls(MODEL_PATH, card.labels, card.known_threshold if known_threshold is None else known_threshold)
        classifier.predict(np.zeros((1, 1, IMAGE_SIDE, IMAGE_SIDE), np.uint8))
        return classifier

    def predict(self, pixels: Pixels) -> ModelOutput:
        """Run the model on uint8 pixels (N, 1, 28, 28). Raises ValueError for any other array."""
        return ModelOutput(*self.outputs(pixels, "probabilities", "known"))

    def probabilities(self, pixels: Pixels) -> Probabilities:
        """Only the probabilities (N, 10) of `predict`."""
        return self.predict(pixels).probabilities

    def predict_views(self, images: Sequence[Views]) -> ModelOutput:
        """Run the model once on all views of N images, and average over the views of each image."""
        return _mean_over_views(self.predict(np.concatenate(images)), [len(views) for views in images])

    def classify(self, images: Sequence[Views], top_k: int) -> list[Classification]:
        """Classify each of N images, and name its `top_k` likeliest classes."""
        return self.classifications(self.predict_views(images), top_k)

    def classifications(self, output: ModelOutput, top_k: int) -> list[Classification]:
        """Rank the classes of each image of `output`."""
        return [
            Classification(self._ranked(scores, top_k), bool(known >= self.known_threshold), float(known))
            for scores, known in zip(output.probabilities, output.known, strict=True)
        ]

    def explain(self, views: Views, top_k: int) -> tuple[Classification, NDArray[np.float32]]:
        """Classify one image, with the class activation map (7, 7) of its first view: 0 no contribution, 1 most.

        The map is of the likeliest class. Source: B. Zhou et al., "Learning Deep Features for Discriminative
        Localization" (arXiv 1512.04150).
        """
        probabilities, known, maps = self.outputs(views, "probabilities", "known", "activation_maps")
        output = _mean_over_views(ModelOutput(probabilities, known), [len(views)])
        (classification,) = self.classifications(output, top_k)
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


def session_options() -> ort.SessionOptions:
    """ONNX Runtime's options for the files that ship with this package."""
    options = ort.SessionOptions()
    # The file was optimized when it was built; optimizing again would dominate the time to create a session.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # One thread: a Lambda function below 1,769 MB has less than one vCPU, and a spinning pool only burns it.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
