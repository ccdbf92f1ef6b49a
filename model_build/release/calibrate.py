"""Calibrate the probabilities (temperature scaling), and choose the threshold of `known`."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, Dataset, load, mirrors_at_inference, normalize
from model_build.datasets.training_set import load_photo_splits
from model_build.metrics import confident_threshold
from model_build.run_files import CALIBRATION_FILE, write_json
from model_build.training.checkpoint import trained_network
from model_build.training.network import INFERENCE_BATCH, ExportModel

# Shares of the validation images and photos that must be known: above the promised shares, since other images differ.
_KNOWN_IMAGES = 0.97
_KNOWN_PHOTOS = 0.94

log = logging.getLogger(__name__)


def calibrate(run_dir: Path, config: Config) -> None:
    """Fit temperature and threshold on validation images and photos, and write calibration.json."""
    dataset = DATASETS[config.dataset]
    model = ExportModel(trained_network(run_dir, config), temperature=1, mirror=mirrors_at_inference(config))
    validation, (_, photos) = load(config).validation, load_photo_splits(config)
    images = _logits(model, validation.images, dataset)
    views = photos.views[photos.allowed.any(dim=1)]
    thresholds = [_reached_by(_KNOWN_IMAGES, images[:, -1].sigmoid())]
    if len(views):
        of_views = _logits(model, views.flatten(0, 1), dataset)[:, -1].sigmoid()
        thresholds.append(_reached_by(_KNOWN_PHOTOS, of_views.unflatten(0, views.shape[:2]).mean(dim=1)))
    temperature = round(fitted_temperature(images[:, :-1], validation.labels), 4)
    calibration: dict[str, Any] = {
        "temperature": temperature,
        "known_threshold": round(min(thresholds), 4),
        "validation_images": len(images),
        "validation_photos": len(views),
        "method": (
            "temperature: lowest cross-entropy on the validation images; threshold: the highest that "
            f"{_KNOWN_IMAGES:.0%} of the validation images and {_KNOWN_PHOTOS:.0%} of the validation photos reach"
        ),
    }
    if not dataset.has_photos:  # with photos, their evaluation chooses it
        scores, best = (images[:, :-1] / temperature).softmax(dim=1).max(dim=1)
        right = (best == validation.labels).numpy()
        calibration["confident_threshold"] = confident_threshold(scores.numpy(), right)
    write_json(run_dir / CALIBRATION_FILE, calibration)
    log.info("temperature %.3f, threshold of known %.3f", calibration["temperature"], calibration["known_threshold"])


def _logits(model: ExportModel, images: Tensor, dataset: Dataset) -> Tensor:
    with torch.inference_mode():
        return torch.cat([model.logits(normalize(part, dataset)) for part in images.split(INFERENCE_BATCH)])


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """Guo et al., "On Calibration of Modern Neural Networks" (arXiv 1706.04599), section 4.2."""
    candidates = np.geomspace(0.25, 4, 400)
    losses = [torch.nn.functional.cross_entropy(logits / value, labels).item() for value in candidates]
    return float(candidates[int(np.argmin(losses))])


def _reached_by(share: float, known_scores: Tensor) -> float:
    """The highest score that `share` of the images reach."""
    return torch.quantile(known_scores, 1 - share).item()
