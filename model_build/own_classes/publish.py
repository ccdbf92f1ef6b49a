"""Publish a model for your own classes: the int8 file and its card in RUN/model, checked as the server loads them."""

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from handler.contract import Title
from handler.inference.card import CARD_PATH, MODEL_PATH
from handler.inference.classifier import Classifier
from model_build.datasets.named import dataset_named
from model_build.own_classes.evaluate import metrics_of, output_of
from model_build.own_classes.examples import Examples
from model_build.own_classes.network import OwnNetwork
from model_build.own_classes.recipe import Recipe
from model_build.release.publish import model_version, published_now
from model_build.run_files import INT8_FILE, read_calibration, read_metrics, require, write_json

MODEL_FOLDER: Final = "model"
_PACKAGES: Final = ("numpy", "onnx", "onnxruntime", "onnxscript", "torch", "torchvision")
_TITLE: Final = Title("image", "图片")  # "Image classifier", "4 classes of image"
_ROUNDING: Final = 1e-4  # of the accuracies in the card


def publish(run_dir: Path, recipe: Recipe, network: OwnNetwork, examples: Examples, model_dir: Path) -> None:
    """Copy the int8 model and its card into `model_dir`, after classifying the test images with them.

    Raises ValueError if their accuracy is not that of the card.
    """
    unchecked = run_dir / "unchecked"
    unchecked.mkdir(exist_ok=True)
    shutil.copyfile(require(run_dir, INT8_FILE, "quantize"), unchecked / MODEL_PATH.name)
    write_json(unchecked / CARD_PATH.name, _card(run_dir, recipe, network, examples))
    classifier = Classifier.of_folder(unchecked)
    found = metrics_of(output_of(classifier, examples.test), classifier, examples.test)["accuracy"]
    promised = read_metrics(run_dir)["int8"]["accuracy"]
    if abs(found - promised) > _ROUNDING:
        raise ValueError(f"{unchecked} classifies {found:.2%} of the test images correctly, not {promised:.2%}")
    model_dir.mkdir(parents=True, exist_ok=True)
    for name in (MODEL_PATH.name, CARD_PATH.name):
        shutil.copyfile(unchecked / name, model_dir / name)


def _card(run_dir: Path, recipe: Recipe, network: OwnNetwork, examples: Examples) -> Mapping[str, Any]:
    model = (run_dir / INT8_FILE).read_bytes()
    classes, metrics = len(examples.labels), read_metrics(run_dir)
    refused = float(metrics["int8"]["unknown"]["made"]["recognised_as_unknown"])
    return {
        "name": examples.folder.name,
        "version": model_version(model),
        "title": asdict(_title(recipe, examples)),
        "labels": [asdict(label) for label in examples.labels],
        "input": asdict(recipe.form),
        "model": {
            "file": MODEL_PATH.name,
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "parameters": network.parameter_count,
            "input": f"images: uint8 (N, {recipe.channels}, {recipe.side}, {recipe.side})",
            "output": [
                f"probabilities: float32 (N, {classes}), each row sums to 1",
                "known: float32 (N,), 0 to 1, confidence that the image shows one of the classes",
                f"activation_maps: float32 (N, {classes}, H, W), logit of each class at each place",
            ],
        },
        "calibration": read_calibration(run_dir),
        "known_weaknesses": _weaknesses(examples, refused),
        "known_weaknesses_chinese": _weaknesses_chinese(examples, refused),
        "metrics": metrics,
        "dataset": _provenance(recipe, examples),
        "configuration": {**asdict(recipe), "dataset": examples.folder.name},
        "environment": {
            "published": published_now(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in _PACKAGES},
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        },
    }


def _title(recipe: Recipe, examples: Examples) -> Title:
    named = dataset_named(recipe.dataset)
    return examples.folder.title or (Title(*named.title) if named else _TITLE)


def _weaknesses(examples: Examples, refused: float) -> list[str]:
    return [
        f"Its figures are from {len(examples.test)} test images of one collection; other images may be harder.",
        f"Of made images of no class, {refused:.0%} are not `known`; of real objects fewer, if they resemble a class.",
    ]


def _weaknesses_chinese(examples: Examples, refused: float) -> list[str]:
    return [
        f"指标只来自同一图片集的 {len(examples.test)} 张测试图片；其他图片可能更难。",
        f"人工生成的无类别图片有 {refused:.0%} 不被视为已知；与某一类别相似的真实物体则较少。",
    ]


def _provenance(recipe: Recipe, examples: Examples) -> Mapping[str, Any]:
    named = dataset_named(recipe.dataset)
    of_name = {"source": named.source, "licence": named.licence} if named else {}
    return {
        "name": examples.folder.name,
        **of_name,
        "images": examples.counts(),
        "images_per_class": dict(zip(examples.folder.classes, examples.folder.counts(), strict=True)),
        "split": _split(recipe, examples),
    }


def _split(recipe: Recipe, examples: Examples) -> str:
    if recipe.groups:
        return f"by hash of the groups in {Path(recipe.groups).name}, 80/10/10; copies of a picture in one part"
    if examples.folder.is_parted:
        return "by the folders; a part that was missing was taken from training by hash"
    return "by hash of the names, 80/10/10; copies of a picture in one part"
