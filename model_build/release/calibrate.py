"""A trained network in, the temperature of its probabilities and the threshold of what it knows out."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, Dataset, normalize
from model_build.datasets.training_set import load_pool
from model_build.training.network import Served
from model_build.training.train import trained_network

CALIBRATION_FILE: Final = "calibration.json"

# Shares of the validation images and photos that must stay known: above what is promised, since other pictures differ.
_KNOWN_IMAGES = 0.97
_KNOWN_PHOTOS = 0.94

log = logging.getLogger(__name__)


def calibrate(run_dir: Path, config: Config) -> None:
    """Fit both numbers on validation images, which the network has not learned from, and write calibration.json."""
    dataset = DATASETS[config.dataset]
    served = Served(trained_network(run_dir, config), temperature=1, mirror=dataset.mirrored_is_same)
    pool = load_pool(config)
    images = _logits(served, pool.validation.images, dataset)
    views = pool.validation_views[pool.validation_photos.allowed.any(dim=1)]
    thresholds = [_lowest(images[:, -1].sigmoid(), _KNOWN_IMAGES)]
    if len(views):
        of_views = _logits(served, views.flatten(0, 1), dataset)[:, -1].sigmoid()
        thresholds.append(_lowest(of_views.unflatten(0, views.shape[:2]).mean(dim=1), _KNOWN_PHOTOS))
    fitted = {
        "temperature": round(_temperature(images[:, :-1], pool.validation.allowed.int().argmax(dim=1)), 4),
        "known_threshold": round(min(thresholds), 4),
        "validation_images": len(images),
        "validation_photos": len(views),
        "method": (
            "temperature: lowest cross-entropy on the validation images; threshold: the highest that "
            f"{_KNOWN_IMAGES:.0%} of the validation images and {_KNOWN_PHOTOS:.0%} of the validation photos reach"
        ),
    }
    (run_dir / CALIBRATION_FILE).write_text(json.dumps(fitted, indent=2) + "\n")
    log.info("temperature %.3f, known from %.3f on", fitted["temperature"], fitted["known_threshold"])


def read_calibration(run_dir: Path) -> Mapping[str, Any]:
    """What `calibrate` wrote for the run in `run_dir`."""
    fitted: Mapping[str, Any] = json.loads((run_dir / CALIBRATION_FILE).read_text())
    return fitted


def _logits(served: Served, images: Tensor, dataset: Dataset) -> Tensor:
    with torch.inference_mode():
        return torch.cat([served.logits(normalize(part, dataset)) for part in images.split(1_000)])


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """Guo et al., "On Calibration of Modern Neural Networks" (arXiv 1706.04599), section 4.2."""
    candidates = np.geomspace(0.25, 4, 400)
    losses = [torch.nn.functional.cross_entropy(logits / value, labels).item() for value in candidates]
    return float(candidates[int(np.argmin(losses))])


def _lowest(known_scores: Tensor, share: float) -> float:
    """The score that `share` of them reach."""
    return torch.quantile(known_scores, 1 - share).item()
