"""Run the ONNX model: pixels to class probabilities, with the colour network's vote on photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import (
    Classification,
    Label,
    ModelCard,
    ModelInput,
    ModelOutput,
    Pixels,
    Prediction,
    Probabilities,
    Views,
)
from handler.errors import InvalidModel
from handler.inference.card import (
    CARD_PATH,
    CUT_OUT,
    MODEL_FOLDER,
    MODEL_PATH,
    RESIZE,
    files_beside,
    model_folder,
    read_card,
)
from handler.inference.colour import COLOUR_MODEL_PATH, ColourClassifier
from handler.inference.cutout import CUTOUT_PATH, CutOut
from handler.inference.occlusion import occlusion_map
from handler.inference.outputs import joined, mean_in_doubt, mean_over_views
from handler.inference.session import in_parts, new_session
from handler.inference.signature import IMAGES, MAPS, OUTPUTS, doubtful_below, input_format, output_names
from handler.inference.vote import PhotoVote, Vote

__all__ = ["CARD_PATH", "MODEL_PATH", "Classifier", "read_card"]

_FEWEST_VIEWS: Final = 8  # for which a thread pays


class Classifier:
    """An ONNX Runtime session, created once: uint8 pixels (N, C, S, S) to a ModelOutput.

    An image is known if the model's `known` output reaches `known_threshold`, and the answer is confident if its score
    reaches `confident_threshold`, too. Without a `photo_vote`, the views alone decide on photos. `input` says how an
    image becomes pixels, and `cut_out` is the network for that, if there is one. If the file says so, an image in
    doubt is averaged with its mirror image.
    """

    def __init__(  # noqa: PLR0913  what it composes is passed in
        self,
        model_path: Path,
        labels: Sequence[Label],
        known_threshold: float = 0.5,
        confident_threshold: float = 1.0,
        *,
        photo_vote: PhotoVote | None = None,
        cut_out: CutOut | None = None,
        preprocessing: str = CUT_OUT,
    ) -> None:
        """Raises InvalidModel if the file is no such model."""
        self.labels = tuple(labels)
        self.known_threshold, self.confident_threshold = known_threshold, confident_threshold
        self.cut_out, self._photo_vote = cut_out, photo_vote
        self._session = new_session(model_path)
        self.input = input_format(self._session, model_path, preprocessing)
        self._doubtful_below = doubtful_below(self._session, model_path)
        self._has_maps = MAPS in output_names(self._session, model_path, len(self.labels))

    @classmethod
    def shipped(cls, known_threshold: float | None = None, confident_threshold: float | None = None) -> "Classifier":
        """Load the model that is part of this package: see `of_folder`."""
        return cls.of_folder(MODEL_FOLDER, known_threshold, confident_threshold)

    @classmethod
    def of_folder(
        cls,
        folder: Path,
        known_threshold: float | None = None,
        confident_threshold: float | None = None,
        card: ModelCard | None = None,
    ) -> "Classifier":
        """Load the model in `folder`, and run it once, so that the first image is as fast as the next.

        The thresholds are the model card's, unless they are given. Raises InvalidModel if a file is missing or wrong.
        """
        card = card or read_card(folder / CARD_PATH.name)
        _check_files(folder, card)
        classifier = cls(
            folder / MODEL_PATH.name,
            card.labels,
            card.known_threshold if known_threshold is None else known_threshold,
            _confident_threshold(folder, card) if confident_threshold is None else confident_threshold,
            photo_vote=_photo_vote(folder, card),
            cut_out=_cut_out(folder, card),
            preprocessing=card.input.preprocessing,
        )
        if classifier.input != card.input:
            takes, promised = (" x ".join(map(str, each.shape)) for each in (classifier.input, card.input))
            raise InvalidModel(f"{folder}: {MODEL_PATH.name} takes images of {takes}, but its card says {promised}")
        classifier.predict(np.zeros((1, *card.input.shape), np.uint8))
        return classifier

    def predict(self, pixels: Pixels) -> ModelOutput:
        """Run the model on uint8 pixels (N, C, S, S). Raises ValueError for any other array."""
        self._check(pixels)
        return joined(in_parts(self._predict, pixels, _FEWEST_VIEWS))

    def _predict(self, pixels: Pixels) -> ModelOutput:
        return mean_in_doubt(self._run(pixels), self._doubtful_below, lambda rows: self._run(_mirrored(pixels[rows])))

    def _run(self, pixels: Pixels) -> ModelOutput:
        return ModelOutput(*self.outputs(pixels, *OUTPUTS))

    def probabilities(self, pixels: Pixels) -> Probabilities:
        """Only the probabilities (N, K) of `predict`."""
        return self.predict(pixels).probabilities

    def predict_views(self, images: Sequence[Views]) -> ModelOutput:
        """Run the model on all views of N images, and average over the views of each image.

        Views that are cut out are one run. Those of the preprocessing "resize" are larger, and have a run each: it is
        as fast, takes less memory, and gives an image the same output in every batch.
        """
        if self.input.preprocessing == RESIZE:
            return joined([self.predict(views) for views in images])
        return mean_over_views(self.predict(np.concatenate(images)), [len(views) for views in images])

    def predict_images(self, images: Sequence[ModelInput]) -> ModelOutput:
        """As `predict_views`, with the vote on photos."""
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
        """Classify one image, with a map (H, W) of its first view for the likeliest class: 0 no contribution, 1 most.

        The class activation map, or an occlusion map if the model has none. Source: B. Zhou et al., "Learning Deep
        Features for Discriminative Localization" (arXiv 1512.04150).
        """
        (classification,) = self.classify([image], top_k)
        best, view = classification.predictions[0].class_id, image.views[:1]
        contributions = self._activation_map(view, best) if self._has_maps else self._occlusion_map(view, best)
        contributions = contributions.clip(min=0)
        highest = contributions.max()
        return classification, contributions / highest if highest > 0 else contributions

    def outputs(self, pixels: Pixels, *names: str) -> list[NDArray[np.float32]]:
        """The model's outputs `names`, or all of them. Raises ValueError as `predict` does."""
        self._check(pixels)
        return [np.asarray(output) for output in self._session.run(names or None, {IMAGES: pixels})]

    def _check(self, pixels: Pixels) -> None:
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.input.shape:
            shape = ", ".join(map(str, self.input.shape))
            raise ValueError(
                f"the model takes uint8 pixels of shape (N, {shape}), but got {pixels.dtype} of shape {pixels.shape}"
            )

    def _activation_map(self, view: Views, class_id: int) -> NDArray[np.float32]:
        """The map (H, W) of `view` (1, C, S, S); its mean with that of the mirror image, if those help in doubt."""
        both = np.concatenate([view, _mirrored(view)]) if self._doubtful_below else view
        straight, *mirrored = self.outputs(both, MAPS)[0][:, class_id]
        mean: NDArray[np.float32] = np.mean([straight, *(each[:, ::-1] for each in mirrored)], axis=0)
        return mean

    def _occlusion_map(self, view: Views, class_id: int) -> NDArray[np.float32]:
        return occlusion_map(lambda pixels: float(self.predict(pixels).probabilities[0, class_id]), view)

    def _with_vote(self, output: ModelOutput, images: Sequence[ModelInput]) -> ModelOutput:
        return self._photo_vote.applied(output, images) if self._photo_vote else output

    def _classification(self, predictions: tuple[Prediction, ...], known_score: np.float32) -> Classification:
        is_known = bool(known_score >= self.known_threshold)
        is_confident = is_known and predictions[0].score >= self.confident_threshold
        return Classification(predictions, is_known, float(known_score), is_confident)

    def _ranked(self, scores: Probabilities, top_k: int) -> tuple[Prediction, ...]:
        best = np.argsort(-scores, kind="stable")[:top_k]
        return tuple(Prediction(self.labels[i].english, int(i), float(scores[i])) for i in best)


def load_model(
    path: str | Path = "", known_threshold: float | None = None, confident_threshold: float | None = None
) -> tuple[Classifier, ModelCard]:
    """The classifier and the card of the model at `path`: see `model_folder` and `Classifier.of_folder`."""
    folder = model_folder(path)
    card = read_card(folder / CARD_PATH.name)
    return Classifier.of_folder(folder, known_threshold, confident_threshold, card), card


def _mirrored(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., ::-1])


def _check_files(folder: Path, card: ModelCard) -> None:
    """Raise InvalidModel if a file that the card names beside the classifier is missing."""
    if missing := [name for name in files_beside(card.document) if not (folder / name).is_file()]:
        raise InvalidModel(f"the model in {folder} is incomplete: its card names {missing[0]}, which is missing")


def _confident_threshold(folder: Path, card: ModelCard) -> float:
    try:
        return card.confident_threshold
    except ValueError as error:
        raise InvalidModel(f"the model in {folder} cannot be used: {error}") from error


def _photo_vote(folder: Path, card: ModelCard) -> PhotoVote | None:
    if "photos" not in card.document:
        return None
    return PhotoVote(ColourClassifier(folder / COLOUR_MODEL_PATH.name), Vote.of_card(card.document))


def _cut_out(folder: Path, card: ModelCard) -> CutOut | None:
    path = folder / CUTOUT_PATH.name
    return CutOut(path) if card.input.preprocessing == CUT_OUT and path.is_file() else None
