"""Publish the int8 model of a run with its model card, to where the server loads them from."""

import hashlib
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

from handler.contract import IMAGE_SIDE
from handler.inference.card import CUT_OUT
from handler.inference.classifier import CARD_PATH, MODEL_PATH, Classifier, read_card
from model_build.config import Config
from model_build.datasets import photos
from model_build.datasets.mnist import DATASETS, Dataset, doubtful_below, load, verify
from model_build.run_files import INT8_FILE, read_calibration, read_distillations, read_metrics, require, write_json
from model_build.training.network import build_network

_WEAKNESSES: Final = [
    "Shirts are confused with T-shirts, pullovers and coats, which at 28x28 grey pixels often look the same.",
    "The photo dataset has no bags; outside of Fashion-MNIST they were learned from synthetic shop pictures.",
    "Shop pictures were synthesized from Fashion-MNIST for training and evaluation; no real ones were available.",
    "Several objects in one image are classified as a single object: the larger one.",
    "An image turned by 90 or 180 degrees is often misclassified, though seldom with confidence: photos.corruptions.",
    "Some hats, shorts and skirts pass as known; photos.known.refused has the share of each that does not.",
]
_WEAKNESSES_CHINESE: Final = [
    "衬衫容易与T恤、套头衫和外套混淆：缩成 28x28 灰度像素后往往看不出区别。",
    "照片数据集中没有包；除 Fashion-MNIST 外，包是从合成的商品图中学到的。",
    "训练和评估用的商品图由 Fashion-MNIST 合成，没有真实的商品图可用。",
    "一张图片中有多个物体时，会当作一个物体来分类，即较大的那个。",
    "旋转了 90 或 180 度的图片常被分错，但很少是高置信度的：见 photos.corruptions。",
    "有些帽子、短裤和裙子会被当作已知类别；photos.known.refused 列出了各自被拒绝的比例。",
]
_PACKAGES: Final = ("numpy", "onnx", "onnxruntime", "onnxscript", "torch", "torchvision")
_VERSION_DIGITS: Final = 12
# The entry of the learned cut-out, which is built and published apart: a new classifier's card keeps it.
_BUILT_APART: Final = ("cut_out",)
_OF_PHOTOS: Final = ("files", "vote")  # what classifying photos needs; the figures were of the classifier before
_ROUNDING = 1e-4  # of the accuracies in the card

log = logging.getLogger(__name__)


def publish(run_dir: Path, config: Config, model_dir: Path = MODEL_PATH.parent) -> None:
    """Copy the int8 model of `run_dir` and its card into `model_dir`, after classifying the test images with them.

    Raises ValueError if their accuracy is not that of the card.
    """
    unchecked = run_dir / "unchecked"
    unchecked.mkdir(exist_ok=True)
    shutil.copyfile(require(run_dir, INT8_FILE, "quantize"), unchecked / MODEL_PATH.name)
    write_json(unchecked / CARD_PATH.name, _card(run_dir, config))
    _check_accuracy(unchecked, config)
    model_dir.mkdir(parents=True, exist_ok=True)
    for name in (MODEL_PATH.name, CARD_PATH.name):
        shutil.copyfile(unchecked / name, model_dir / name)
    log.info("published %s", model_dir / MODEL_PATH.name)


def model_version(*models: bytes) -> str:
    """The version of model files: a prefix of their SHA-256, so that the same bytes have the same version anywhere.

    A retrained model gets another one, and metrics, results and URLs never mix the two. The prefix "sha256-" keeps YAML
    from reading the digits as a number.
    """
    return f"sha256-{hashlib.sha256(b''.join(models)).hexdigest()[:_VERSION_DIGITS]}"


def published_now() -> str:
    """The time, to the second: of two versions, the later one was published later."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_accuracy(model_dir: Path, config: Config) -> None:
    card = read_card(model_dir / CARD_PATH.name)
    test = load(config).test
    probabilities = Classifier(model_dir / MODEL_PATH.name, card.labels).probabilities(test.images.unsqueeze(1).numpy())
    accuracy = float((probabilities.argmax(axis=1) == test.labels.numpy()).mean())
    promised = card.document["metrics"]["int8"]["accuracy"]
    if abs(accuracy - promised) > _ROUNDING:
        raise ValueError(
            f"{model_dir} classifies {accuracy:.2%} of the test images correctly, its card says {promised:.2%}"
        )


def _card(run_dir: Path, config: Config) -> Mapping[str, Any]:
    dataset = DATASETS[config.dataset]
    model = (run_dir / INT8_FILE).read_bytes()
    return {
        "name": dataset.name,
        "version": model_version(model),
        "title": asdict(dataset.title),
        "labels": [asdict(label) for label in dataset.labels],
        "input": {"side": IMAGE_SIDE, "channels": 1, "preprocessing": CUT_OUT},
        "model": {
            "file": MODEL_PATH.name,
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "parameters": build_network(config).parameter_count,
            "input": "images: uint8 (N, 1, 28, 28), raw grey values, 0 black background, 255 white garment",
            "output": [
                "probabilities: float32 (N, 10), each row sums to 1",
                "known: float32 (N,), 0 to 1, confidence that the image shows one of the classes",
                "activation_maps: float32 (N, 10, 7, 7), contribution of each place to the logit of each class",
            ],
            "doubtful_below": doubtful_below(config),  # also in the file, where the classifier reads it
        },
        **_built_apart(dataset),
        "calibration": {**read_calibration(run_dir), **_confident_threshold(dataset)},
        "known_weaknesses": _WEAKNESSES if dataset.has_photos else [],
        "known_weaknesses_chinese": _WEAKNESSES_CHINESE if dataset.has_photos else [],
        "metrics": read_metrics(run_dir),
        "dataset": _provenance(dataset, config),
        "configuration": asdict(config),
        "distillations": read_distillations(run_dir),  # if any, they replace the epochs and rates above
        "environment": {
            "published": published_now(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in _PACKAGES},
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        },
    }


def _built_apart(dataset: Dataset) -> Mapping[str, Any]:
    shipped = read_card().document if dataset.has_photos else {}
    kept = {name: shipped[name] for name in _BUILT_APART if name in shipped}
    photos = {name: value for name, value in shipped.get("photos", {}).items() if name in _OF_PHOTOS}
    return {**kept, "photos": photos} if photos else kept


def _confident_threshold(dataset: Dataset) -> Mapping[str, Any]:
    """That of the shipped card, until photos are evaluated with the new classifier."""
    shipped = read_card().document["calibration"] if dataset.has_photos else {}
    return {name: shipped[name] for name in ("confident_threshold",) if name in shipped}


def _provenance(dataset: Dataset, config: Config) -> Mapping[str, Any]:
    splits = load(config)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "licence": dataset.licence,
        "images": {name: len(getattr(splits, name)) for name in ("train", "validation", "test")},
        "md5": verify(dataset),
        **({"photos": _photos_provenance()} if dataset.has_photos and config.photo_variants else {}),
    }


def _photos_provenance() -> Mapping[str, Any]:
    return {
        "name": photos.NAME,
        "source": photos.SOURCE,
        "licence": photos.LICENCE,
        "checksum": photos.photos_checksum(photos.download_photos()),
        "trained_on": "three quarters of the senders",
        "measured_on": "the other senders",
    }
