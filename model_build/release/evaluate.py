"""The float and the int8 file in, their numbers side by side out, as JSON and as pictures.

Everything is classified by the code that ships: the dataset's test images as pixels, photos from their files' bytes.
"""

import json
import logging
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import Answers, Label, Pixels, Views
from handler.inference.classifier import Classifier
from handler.inference.decoding import views_of
from handler.inference.preprocessing import views_of as cut_views
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, LabelledImages, load
from model_build.datasets.non_clothing import unknown_views
from model_build.datasets.photos import ALLOWED, download_photos, photo_paths
from model_build.datasets.shop_pictures import rendered as render
from model_build.metrics import auroc, expected_calibration_error, report
from model_build.progress import track
from model_build.release.calibrate import read_calibration
from model_build.release.export import FLOAT_FILE
from model_build.release.quantize import INT8_FILE
from model_build.reporting import plots
from model_build.training.train import HISTORY_FILE

METRICS_FILE: Final = "metrics.json"
_BATCH = 250  # images in one run of the session
_DRAWINGS = 600
_RENDERED = 1_000
_SEED = 1_000  # none that a run trains with
_MAX_PIXELS = 50_000_000

log = logging.getLogger(__name__)


def evaluate(run_dir: Path, config: Config) -> None:
    """Classify test images, photos and unknown things with both files; write metrics.json and pictures."""
    dataset, test = DATASETS[config.dataset], load(config).test
    threshold = float(read_calibration(run_dir)["known_threshold"])
    photos = _photos() if dataset.has_photos and config.photo_variants else {}
    rendered = _rendered(test) if dataset.has_photos else []
    drawings = unknown_views(_DRAWINGS, _SEED, with_text=dataset.text_is_unknown)
    metrics: dict[str, Mapping[str, Any]] = {}
    for name, file in (("float", FLOAT_FILE), ("int8", INT8_FILE)):
        classifier = Classifier(run_dir / file, dataset.labels, threshold)
        of_test = _answers(classifier, test.images.unsqueeze(1).numpy(), f"evaluating {name}")
        of_photos = {folder: classifier.answers_to(pictures) for folder, pictures in photos.items()}
        of_drawings = classifier.answers_to(drawings)
        metrics[name] = {
            "bytes": (run_dir / file).stat().st_size,
            **_of_test(of_test, test, dataset.labels, threshold),
            **_of_photos(of_photos, threshold),
            **_of_rendered(classifier, rendered, test, threshold),
            "unknown": _of_unknown(of_test, of_photos, of_drawings, threshold),
        }
        log.info("%s: %.2f %% of %d test images", name, 100 * metrics[name]["accuracy"], len(test))
    (run_dir / METRICS_FILE).write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    plots.save(plots.confusion(read_confusion(run_dir), dataset.labels), run_dir / "confusion.png")
    if (run_dir / HISTORY_FILE).exists():  # not of the run that ships, of which the weights alone are kept
        plots.save(plots.curves(run_dir / HISTORY_FILE), run_dir / "curves.png")


def read_confusion(run_dir: Path) -> NDArray[np.int64]:
    """The int8 file's confusion matrix (classes, classes), from the metrics of the run in `run_dir`."""
    return np.array(json.loads((run_dir / METRICS_FILE).read_text())["int8"]["confusion_matrix"])


def _answers(classifier: Classifier, images: Pixels, description: str) -> Answers:
    batches = np.array_split(images, max(1, len(images) // _BATCH))
    parts = [classifier.answers(batch) for batch in track(batches, description)]
    return Answers(
        np.concatenate([part.probabilities for part in parts]), np.concatenate([part.known for part in parts])
    )


def _photos() -> Mapping[str, list[Views]]:
    """The validation photos by their folder, each decoded and converted from its file's bytes."""
    by_folder: defaultdict[str, list[Views]] = defaultdict(list)
    paths = photo_paths(download_photos(), "validation")
    for path in track(paths, "reading photos"):
        by_folder[path.parent.name].append(views_of(path.read_bytes(), _MAX_PIXELS))
    return by_folder


def _rendered(test: LabelledImages) -> list[Views]:
    """The first of the test images, as shop pictures."""
    numbered = zip(test.images[:_RENDERED].numpy(), test.labels.tolist(), strict=False)
    chance = random.Random(_SEED)
    pictures = [render(image, class_id, chance) for image, class_id in track(list(numbered), "rendering test images")]
    return [cut_views(picture)[0][:, np.newaxis] for picture in pictures]


def _of_test(answers: Answers, test: LabelledImages, labels: tuple[Label, ...], threshold: float) -> Mapping[str, Any]:
    true = test.labels.numpy()
    right = answers.probabilities.argmax(axis=1) == true
    error = expected_calibration_error(right, answers.probabilities.max(axis=1))
    return {
        **report(true, answers.probabilities, labels),
        "calibration_error": round(error, 4),
        "known": _share(answers.known >= threshold),
    }


def _of_photos(answers: Mapping[str, Answers], threshold: float) -> Mapping[str, Any]:
    if not answers:
        return {}
    right = {
        folder: np.isin(of_folder.probabilities.argmax(axis=1), ALLOWED[folder])
        for folder, of_folder in answers.items()
        if ALLOWED[folder]
    }
    known = np.concatenate([answers[folder].known for folder in right])
    together = np.concatenate(list(right.values()))
    confidence = np.concatenate([answers[folder].probabilities.max(axis=1) for folder in right])
    return {
        "photos": {
            "images": len(together),
            "accuracy": _share(together),
            "recall": {folder: _share(of_folder) for folder, of_folder in right.items()},
            "calibration_error": round(expected_calibration_error(together, confidence), 4),
            "known": _share(known >= threshold),
        }
    }


def _of_rendered(
    classifier: Classifier, rendered: list[Views], test: LabelledImages, threshold: float
) -> Mapping[str, Any]:
    if not rendered:
        return {}
    answers = classifier.answers_to(rendered)
    true = test.labels[: len(rendered)].numpy()
    right = answers.probabilities.argmax(axis=1) == true
    return {
        "rendered": {
            "images": len(rendered),
            "accuracy": _share(right),
            "recall": {label.english: _share(right[true == label.class_id]) for label in classifier.labels},
            "known": _share(answers.known >= threshold),
        }
    }


def _of_unknown(test: Answers, photos: Mapping[str, Answers], drawings: Answers, threshold: float) -> Mapping[str, Any]:
    """How well `known` tells unknown things from known photos or, if there are none, from the test images."""
    known_photos = [of_folder.known for folder, of_folder in photos.items() if ALLOWED[folder]]
    known = np.concatenate(known_photos or [test.known])
    unknown = {folder: of_folder.known for folder, of_folder in photos.items() if not ALLOWED[folder]}
    unknown["drawings"] = drawings.known
    unknown["all"] = np.concatenate(list(unknown.values()))
    return {
        name: {
            "images": len(scores),
            "auroc": round(_auroc(known, scores), 4),
            "recognised_as_unknown": _share(scores < threshold),
        }
        for name, scores in unknown.items()
    }


def _auroc(known: NDArray[np.float32], unknown: NDArray[np.float32]) -> float:
    return auroc(np.concatenate([known, unknown]), np.arange(len(known) + len(unknown)) < len(known))


def _share(true: NDArray[np.bool_]) -> float:
    return round(float(true.mean()), 4)
