"""A finished run in, the model and its card out, where the server looks for them."""

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from handler.inference.classifier import CARD_PATH, MODEL_PATH, Classifier, read_card
from model_build.config import Config
from model_build.datasets import photos
from model_build.datasets.mnist import DATASETS, Dataset, load, verify
from model_build.release.calibrate import read_calibration
from model_build.release.evaluate import METRICS_FILE
from model_build.release.quantize import INT8_FILE
from model_build.training.network import build_network

_WEAKNESSES: Final = [
    "Shirts are confused with T-shirts, pullovers and coats, which at 28x28 grey pixels often look the same.",
    "The photos name three kinds of shoe alike; which kind it is was learned from Fashion-MNIST alone.",
    "There are no photos of bags among those trained on; bags in pictures were learned from drawn shop pictures.",
    "Shop pictures were drawn from Fashion-MNIST for training and measuring; real ones were not at hand.",
    "Several things in one picture, or a person who wears one, are taken for a single thing.",
    "A garment in the colours of its ground is cut out badly, and then recognised badly.",
    "Some hats, shorts and skirts pass as known; metrics.int8.unknown tells how many of each did not.",
]
_VERSIONED: Final = ("numpy", "onnx", "onnxruntime", "onnxscript", "torch", "torchvision")
_ROUNDING = 1e-4  # of the accuracies in the card

log = logging.getLogger(__name__)


def publish(run_dir: Path, config: Config, model_dir: Path = MODEL_PATH.parent) -> None:
    """Put the int8 model of `run_dir` and its card into `model_dir`, after loading both and classifying with them.

    Raises ValueError if the published pair does not do on test images what its card says.
    """
    unchecked = run_dir / "unchecked"
    unchecked.mkdir(exist_ok=True)
    shutil.copyfile(run_dir / INT8_FILE, unchecked / MODEL_PATH.name)
    card = json.dumps(_card(run_dir, config), indent=2, ensure_ascii=False)
    (unchecked / CARD_PATH.name).write_text(card + "\n", encoding="utf-8")
    _try(unchecked, config)
    model_dir.mkdir(parents=True, exist_ok=True)
    for name in (MODEL_PATH.name, CARD_PATH.name):
        shutil.copyfile(unchecked / name, model_dir / name)
    log.info("published %s", model_dir / MODEL_PATH.name)


def _try(model_dir: Path, config: Config) -> None:
    card = read_card(model_dir / CARD_PATH.name)
    test = load(config).test
    probabilities = Classifier(model_dir / MODEL_PATH.name, card.labels).probabilities(test.images.unsqueeze(1).numpy())
    accuracy = float((probabilities.argmax(axis=1) == test.labels.numpy()).mean())
    promised = card.document["metrics"]["int8"]["accuracy"]
    if abs(accuracy - promised) > _ROUNDING:
        raise ValueError(f"{model_dir} gets {accuracy:.2%} of the test images right, but its card says {promised:.2%}")


def _card(run_dir: Path, config: Config) -> Mapping[str, Any]:
    dataset = DATASETS[config.dataset]
    model = (run_dir / INT8_FILE).read_bytes()
    return {
        "name": dataset.name,
        "version": "1",
        "labels": [asdict(label) for label in dataset.labels],
        "model": {
            "file": MODEL_PATH.name,
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "parameters": build_network(config).parameter_count,
            "input": "images: uint8 (N, 1, 28, 28), raw grey values, 0 black ground, 255 white garment",
            "output": [
                "probabilities: float32 (N, 10), each row sums to 1",
                "known: float32 (N,), 0 to 1, how surely the image shows any of the classes",
                "activation_maps: float32 (N, 10, 7, 7), how much each place speaks for each class",
            ],
        },
        "calibration": read_calibration(run_dir),
        "known_weaknesses": _WEAKNESSES if dataset.has_photos else [],
        "metrics": json.loads((run_dir / METRICS_FILE).read_text()),
        "dataset": _provenance(dataset, config),
        "configuration": asdict(config),
        "environment": {
            "published": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in _VERSIONED},
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        },
    }


def _provenance(dataset: Dataset, config: Config) -> Mapping[str, Any]:
    splits = load(config)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "licence": dataset.licence,
        "images": {name: len(getattr(splits, name)) for name in ("train", "validation", "test")},
        "md5": verify(dataset),
        **({"photos": _photos_provenance(config)} if dataset.has_photos and config.photo_variants else {}),
    }


def _photos_provenance(config: Config) -> Mapping[str, Any]:
    return {
        "name": photos.NAME,
        "source": photos.SOURCE,
        "licence": photos.LICENCE,
        "checksum": photos.photos_checksum(photos.download_photos()),
        "trained_on": "its train split, less the validation photos",
        "validation_photos": config.validation_photos,
        "measured_on": "its validation split",
    }
