"""Evaluate a model for your own classes on its test images, from the bytes of their files, by the code that ships."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelOutput
from handler.inference.classifier import Classifier
from handler.inference.outputs import joined
from handler.inference.pipeline import PreparedImage, prepare
from model_build.datasets.stored import MAX_PIXELS
from model_build.metrics import auroc, classification_report, expected_calibration_error, share_with_interval
from model_build.own_classes.calibrate import outliers
from model_build.own_classes.examples import Examples, Part
from model_build.progress import track

_OUTLIERS: Final = 500
_SEED: Final = 2_000  # of other outliers than those of the calibration
_BATCH: Final = 32


@dataclass(frozen=True)
class Mistake:
    """A test image with another label than that of its folder."""

    image: str  # its path in the folder
    shown: str
    guess: str
    score: float
    known: bool


def output_of(classifier: Classifier, part: Part) -> ModelOutput:
    """Output for the stored images of `part`."""
    return joined(classifier.predict_views(list(batch)) for batch in track(list(part.batches(_BATCH)), "classifying"))


def output_of_files(classifier: Classifier, examples: Examples, part: Part) -> ModelOutput:
    """Output for the files of `part`, decoded and prepared as the server does it."""
    paths = [examples.folder.path / examples.folder.images[place].name for place in part.places.tolist()]
    return joined(
        classifier.predict_images([_prepared(classifier, path)]) for path in track(paths, "classifying files")
    )


def metrics_of(output: ModelOutput, classifier: Classifier, part: Part) -> Mapping[str, Any]:
    """Accuracy with its interval, per class, confusion, calibration, `known` and `confident`."""
    correct = output.probabilities.argmax(axis=1) == part.classes
    confidence = output.probabilities.max(axis=1)
    known = output.known >= classifier.known_threshold
    confident = known & (confidence >= classifier.confident_threshold)
    return {
        **classification_report(part.classes, output.probabilities, classifier.labels),
        "interval": share_with_interval(correct)["interval"],
        "calibration_error": round(expected_calibration_error(correct, confidence), 4),
        "known": _share(known),
        "confident": _share(confident),
        "right_if_confident": _share(correct[confident]) if confident.any() else None,
    }


def unknown_metrics(classifier: Classifier, output: ModelOutput, part: Part) -> Mapping[str, Any]:
    """How well `known` tells the test images from made images of no class."""
    made = outliers(part.served, _OUTLIERS, _SEED)
    unknown = joined(classifier.predict_views([image[np.newaxis]]) for image in made).known
    scores = np.concatenate([output.known, unknown])
    return {
        "images": len(unknown),
        "auroc": round(auroc(scores, np.arange(len(scores)) < len(output.known)), 4),
        "recognised_as_unknown": _share(unknown < classifier.known_threshold),
    }


def mistakes_of(output: ModelOutput, classifier: Classifier, examples: Examples, part: Part) -> list[Mapping[str, Any]]:
    """The wrongly answered images of `part`, the surest answers first."""
    known = output.known >= classifier.known_threshold
    best, scores = output.probabilities.argmax(axis=1), output.probabilities.max(axis=1)
    labels = [label.english for label in classifier.labels]
    wrong = np.flatnonzero(best != part.classes)
    found = [
        Mistake(
            examples.folder.images[part.places[i]].name,
            labels[part.classes[i]],
            labels[best[i]],
            round(float(scores[i]), 4),
            bool(known[i]),
        )
        for i in wrong
    ]
    return [asdict(mistake) for mistake in sorted(found, key=lambda mistake: -mistake.score)]


def _prepared(classifier: Classifier, path: Path) -> PreparedImage:
    return prepare(classifier, path.read_bytes(), MAX_PIXELS)


def _share(true: NDArray[np.bool_]) -> float:
    return round(float(true.mean()), 4)
