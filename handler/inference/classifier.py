"""Pixels in, predictions out: the only file that knows ONNX Runtime."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from handler.contract import (
    IMAGE_SIDE,
    Answers,
    Classification,
    Label,
    ModelCard,
    Pixels,
    Prediction,
    Probabilities,
    Views,
)
from handler.telemetry.request_trace import Sighting, note
from handler.telemetry.timing import measured

MODEL_PATH = Path(__file__).parents[1] / "model" / "classifier.onnx"
CARD_PATH = MODEL_PATH.with_suffix(".json")


def read_card(path: Path = CARD_PATH) -> ModelCard:
    """The model card at `path`, a JSON document with its ``labels`` in the order of their class ids."""
    document = json.loads(path.read_text(encoding="utf-8"))
    labels = tuple(Label(row["class_id"], row["english"], row["chinese"]) for row in document["labels"])
    return ModelCard(labels, document)


class Classifier:
    """A model in ONNX Runtime, loaded once: uint8 pixels (N, 1, 28, 28) to what it says of each image.

    An image is known if the model gives it at least `known_threshold`.
    """

    def __init__(self, model_path: Path, labels: Sequence[Label], known_threshold: float = 0.5) -> None:
        self.labels = tuple(labels)
        self.known_threshold = known_threshold
        self._session = ort.InferenceSession(
            model_path, sess_options=_session_options(), providers=["CPUExecutionProvider"]
        )

    @classmethod
    def shipped(cls, known_threshold: float | None = None) -> "Classifier":
        """The model that is part of this package, warmed up, so that the first picture is as fast as the second.

        The threshold is the model card's, unless it is given.
        """
        card = read_card()
        classifier = cls(MODEL_PATH, card.labels, card.known_threshold if known_threshold is None else known_threshold)
        classifier.answers(np.zeros((1, 1, IMAGE_SIDE, IMAGE_SIDE), np.uint8))
        return classifier

    def answers(self, pixels: Pixels) -> Answers:
        """The answers to uint8 pixels (N, 1, 28, 28). Raises ValueError for any other array."""
        return Answers(*self.outputs(pixels, "probabilities", "known"))

    def probabilities(self, pixels: Pixels) -> Probabilities:
        """Only the probabilities (N, 10) of `answers`."""
        return self.answers(pixels).probabilities

    def answers_to(self, pictures: Sequence[Views]) -> Answers:
        """The answers to N pictures, in one run of the model: each is the mean of the answers to its views."""
        answers = self.answers(np.concatenate(pictures))
        if len(answers.known) > len(pictures):
            ends = np.cumsum([len(views) for views in pictures])[:-1]
            probabilities, known = (np.split(each, ends) for each in (answers.probabilities, answers.known))
            answers = Answers(np.stack([p.mean(axis=0) for p in probabilities]), np.stack([k.mean() for k in known]))
        note(self._sightings(answers))
        return answers

    def activation_maps(self, pixels: Pixels, class_ids: Sequence[int]) -> NDArray[np.float32]:
        """Where the model looks for each image's class, (N, 7, 7) of the image's square: 0 not at all, 1 most."""
        (maps,) = self.outputs(pixels, "activation_maps")
        chosen: NDArray[np.float32] = maps[np.arange(len(maps)), class_ids].clip(min=0)
        highest = chosen.max(axis=(1, 2), keepdims=True)
        np.divide(chosen, highest, out=chosen, where=highest > 0)
        return chosen

    def outputs(self, pixels: Pixels, *names: str) -> list[NDArray[np.float32]]:
        """The model's outputs `names` of uint8 pixels (N, 1, 28, 28), or all. Raises ValueError as `answers` does."""
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (1, IMAGE_SIDE, IMAGE_SIDE):
            raise ValueError(
                f"the model takes uint8 pixels of shape (N, 1, 28, 28), but got {pixels.dtype} of shape {pixels.shape}"
            )
        with measured("infer"):
            return [np.asarray(output) for output in self._session.run(names or None, {"images": pixels})]

    def classify(self, pictures: Sequence[Views], top_k: int) -> list[Classification]:
        """Classify each of the N pictures, and name its `top_k` likeliest classes."""
        answers = self.answers_to(pictures)
        return [
            Classification(self._ranked(scores, top_k), bool(known >= self.known_threshold), float(known))
            for scores, known in zip(answers.probabilities, answers.known, strict=True)
        ]

    def _sightings(self, answers: Answers) -> Iterator[Sighting]:
        for scores, known in zip(answers.probabilities, answers.known, strict=True):
            best = int(scores.argmax())
            yield Sighting(self.labels[best].english, float(scores[best]), bool(known >= self.known_threshold))

    def _ranked(self, scores: Probabilities, top_k: int) -> tuple[Prediction, ...]:
        best = np.argsort(-scores, kind="stable")[:top_k]
        return tuple(Prediction(self.labels[i].english, int(i), float(scores[i])) for i in best)


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # The file was optimized when it was made, which would take longer than all else of a session's creation.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # One thread: a Lambda function below 1,769 MB has less than one vCPU, and a spinning pool only burns it.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
