"""Evaluate the float and the int8 file on test images, photos, shop pictures and unknown objects.

Everything runs through the shipped code: test images as pixels, photos from the bytes of their files.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handler.contract import Label, ModelOutput, Pixels, Views
from handler.inference.classifier import Classifier
from handler.inference.cutout import CutOut
from handler.inference.pipeline import prepare
from handler.inference.preprocessing import views_of
from model_build.config import Config
from model_build.datasets.clothing_photos import CLASS_OF_KIND, clothing_photos
from model_build.datasets.mnist import DATASETS, Dataset, LabelledImages, load
from model_build.datasets.non_clothing import non_clothing_views
from model_build.datasets.shop_pictures import shop_picture
from model_build.metrics import auroc, classification_report, expected_calibration_error
from model_build.progress import track
from model_build.reporting import plots
from model_build.run_files import (
    CONFUSION_PLOT_FILE,
    CURVES_PLOT_FILE,
    FLOAT_FILE,
    HISTORY_FILE,
    INT8_FILE,
    METRICS_FILE,
    read_calibration,
    read_confusion,
    write_json,
)

_BATCH = 250  # images in one run of the session
_NON_CLOTHING = 600
_SHOP_PICTURES = 1_000
_SEED = 1_000  # of no training run
_MAX_PIXELS = 50_000_000

log = logging.getLogger(__name__)


def evaluate(run_dir: Path, config: Config) -> None:
    """Classify everything with both files; write metrics.json and the plots."""
    dataset, test = DATASETS[config.dataset], load(config).test
    threshold = float(read_calibration(run_dir)["known_threshold"])
    photos = _photos(run_dir, dataset) if dataset.has_photos and config.photo_variants else {}
    shop_pictures = _shop_pictures(test) if dataset.has_photos else []
    non_clothing = non_clothing_views(_NON_CLOTHING, _SEED, with_text=dataset.text_is_unknown)
    metrics: dict[str, Mapping[str, Any]] = {}
    for name, file in (("float", FLOAT_FILE), ("int8", INT8_FILE)):
        classifier = Classifier(run_dir / file, dataset.labels, threshold)
        of_test = _predicted(classifier, test.images.unsqueeze(1).numpy(), f"evaluating {name}")
        of_photos = {kind: classifier.predict_views(images) for kind, images in photos.items()}
        of_non_clothing = classifier.predict_views(non_clothing)
        metrics[name] = {
            "bytes": (run_dir / file).stat().st_size,
            **_test_metrics(of_test, test, dataset.labels, threshold),
            **_photo_metrics(of_photos, threshold),
            **_shop_picture_metrics(classifier, shop_pictures, test, threshold),
            "unknown": _unknown_metrics(of_test, of_photos, of_non_clothing, threshold),
        }
        log.info("%s: %.2f %% of %d test images", name, 100 * metrics[name]["accuracy"], len(test))
    write_json(run_dir / METRICS_FILE, metrics)
    plots.save(plots.confusion(read_confusion(run_dir), dataset.labels), run_dir / CONFUSION_PLOT_FILE)
    if (run_dir / HISTORY_FILE).exists():  # the shipped run is kept without its history
        plots.save(plots.curves(run_dir / HISTORY_FILE), run_dir / CURVES_PLOT_FILE)


def _predicted(classifier: Classifier, images: Pixels, description: str) -> ModelOutput:
    batches = np.array_split(images, max(1, len(images) // _BATCH))
    parts = [classifier.predict(batch) for batch in track(batches, description)]
    return ModelOutput(
        np.concatenate([part.probabilities for part in parts]), np.concatenate([part.known for part in parts])
    )


def _photos(run_dir: Path, dataset: Dataset) -> Mapping[str, list[Views]]:
    """The photos of held-out senders by what they show, preprocessed from the bytes of their files."""
    classifier = Classifier(run_dir / INT8_FILE, dataset.labels, cut_out=CutOut())
    by_kind: defaultdict[str, list[Views]] = defaultdict(list)
    for photo in track([photo for photo in clothing_photos() if photo.held_out], "preprocessing photos"):
        by_kind[photo.kind].append(prepare(classifier, photo.path.read_bytes(), _MAX_PIXELS).views)
    return by_kind


def _shop_pictures(test: LabelledImages) -> list[Views]:
    """Synthetic shop pictures of the first test images."""
    images = test.images[:_SHOP_PICTURES].numpy()
    numbered = list(zip(images, test.labels.tolist(), strict=False))
    rng = random.Random(_SEED)
    pictures = [shop_picture(image, class_id, rng) for image, class_id in track(numbered, "synthesizing shop pictures")]
    return [views_of(picture)[0][:, np.newaxis] for picture in pictures]


def _test_metrics(
    output: ModelOutput, test: LabelledImages, labels: tuple[Label, ...], threshold: float
) -> Mapping[str, Any]:
    true = test.labels.numpy()
    correct = output.probabilities.argmax(axis=1) == true
    error = expected_calibration_error(correct, output.probabilities.max(axis=1))
    return {
        **classification_report(true, output.probabilities, labels),
        "calibration_error": round(error, 4),
        "known": _share(output.known >= threshold),
    }


def _photo_metrics(outputs: Mapping[str, ModelOutput], threshold: float) -> Mapping[str, Any]:
    if not outputs:
        return {}
    correct = {
        kind: output.probabilities.argmax(axis=1) == CLASS_OF_KIND[kind]
        for kind, output in outputs.items()
        if kind in CLASS_OF_KIND
    }
    known = np.concatenate([outputs[kind].known for kind in correct])
    together = np.concatenate(list(correct.values()))
    confidence = np.concatenate([outputs[kind].probabilities.max(axis=1) for kind in correct])
    return {
        "photos": {
            "images": len(together),
            "accuracy": _share(together),
            "recall": {kind: _share(of_kind) for kind, of_kind in correct.items()},
            "calibration_error": round(expected_calibration_error(together, confidence), 4),
            "known": _share(known >= threshold),
        }
    }


def _shop_picture_metrics(
    classifier: Classifier, shop_pictures: list[Views], test: LabelledImages, threshold: float
) -> Mapping[str, Any]:
    if not shop_pictures:
        return {}
    output = classifier.predict_views(shop_pictures)
    true = test.labels[: len(shop_pictures)].numpy()
    correct = output.probabilities.argmax(axis=1) == true
    return {
        "shop_pictures": {
            "images": len(shop_pictures),
            "accuracy": _share(correct),
            "recall": {label.english: _share(correct[true == label.class_id]) for label in classifier.labels},
            "known": _share(output.known >= threshold),
        }
    }


def _unknown_metrics(
    test: ModelOutput, photos: Mapping[str, ModelOutput], non_clothing: ModelOutput, threshold: float
) -> Mapping[str, Any]:
    """How well `known` separates unknown objects from known photos or, without photos, from the test images."""
    known_photos = [output.known for kind, output in photos.items() if kind in CLASS_OF_KIND]
    known = np.concatenate(known_photos or [test.known])
    unknown = {kind: output.known for kind, output in photos.items() if kind not in CLASS_OF_KIND}
    unknown["drawings"] = non_clothing.known
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
