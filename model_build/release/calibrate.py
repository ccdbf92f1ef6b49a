"""Calibrate the probabilities (temperature scaling), and choose the threshold of `known`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from handler.contract import ModelOutput
from handler.inference.outputs import mean_in_doubt
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, Dataset, doubtful_below, load, normalize
from model_build.datasets.training_set import load_photo_splits
from model_build.metrics import confident_threshold
from model_build.run_files import CALIBRATION_FILE, write_json
from model_build.training.checkpoint import trained_network
from model_build.training.network import INFERENCE_BATCH, Network

# Shares of the validation images and photos that must be known: above the promised shares, since other images differ.
_KNOWN_IMAGES = 0.97
_KNOWN_PHOTOS = 0.94

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Logits:
    """Logits (N, 11) of N images, and of their mirror images."""

    straight: Tensor
    mirrored: Tensor

    def output(self, temperature: float, below: float) -> ModelOutput:
        """What the classifier makes of them: `below` is the probability below which an image is in doubt."""
        straight, mirrored = (
            ModelOutput((each[:, :-1] / temperature).softmax(dim=1).numpy(), each[:, -1].sigmoid().numpy())
            for each in (self.straight, self.mirrored)
        )
        return mean_in_doubt(
            straight, below, lambda rows: ModelOutput(mirrored.probabilities[rows], mirrored.known[rows])
        )


def calibrate(run_dir: Path, config: Config) -> None:
    """Fit temperature and threshold on validation images and photos, and write calibration.json."""
    dataset, below = DATASETS[config.dataset], doubtful_below(config)
    network = trained_network(run_dir, config)
    validation, (_, photos) = load(config).validation, load_photo_splits(config)
    logits, labels = _logits(network, validation.images, dataset), validation.labels.numpy()
    temperature = round(_lowest(lambda value: _cross_entropy(logits.output(value, below), labels)), 4)
    of_images = logits.output(temperature, below)
    views = photos.views[photos.allowed.any(dim=1)]
    thresholds = [_reached_by(_KNOWN_IMAGES, of_images.known)]
    if len(views):
        of_views = _logits(network, views.flatten(0, 1), dataset).output(temperature, below).known
        thresholds.append(_reached_by(_KNOWN_PHOTOS, of_views.reshape(views.shape[:2]).mean(axis=1)))
    calibration: dict[str, Any] = {
        "temperature": temperature,
        "known_threshold": round(min(thresholds), 4),
        "validation_images": len(labels),
        "validation_photos": len(views),
        "method": (
            "temperature: lowest cross-entropy on the validation images; threshold: the highest that "
            f"{_KNOWN_IMAGES:.0%} of the validation images and {_KNOWN_PHOTOS:.0%} of the validation photos reach"
        ),
    }
    if not dataset.has_photos:  # with photos, their evaluation chooses it
        scores, best = of_images.probabilities.max(axis=1), of_images.probabilities.argmax(axis=1)
        calibration["confident_threshold"] = confident_threshold(scores, best == labels)
    write_json(run_dir / CALIBRATION_FILE, calibration)
    log.info("temperature %.3f, threshold of known %.3f", calibration["temperature"], calibration["known_threshold"])


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """Guo et al., "On Calibration of Modern Neural Networks" (arXiv 1706.04599), section 4.2."""
    return _lowest(lambda value: torch.nn.functional.cross_entropy(logits / value, labels).item())


def _lowest(loss: Callable[[float], float]) -> float:
    """The temperature with the lowest `loss`."""
    candidates = np.geomspace(0.25, 4, 400)
    return float(candidates[int(np.argmin([loss(float(value)) for value in candidates]))])


def _cross_entropy(output: ModelOutput, labels: NDArray[np.int64]) -> float:
    of_labels = output.probabilities[np.arange(len(labels)), labels]
    return -float(np.log(of_labels.clip(min=1e-9)).mean())


def _logits(network: Network, images: Tensor, dataset: Dataset) -> _Logits:
    with torch.inference_mode():
        parts = [normalize(part, dataset) for part in images.split(INFERENCE_BATCH)]
        return _Logits(
            torch.cat([network(part) for part in parts]), torch.cat([network(part.flip(-1)) for part in parts])
        )


def _reached_by(share: float, known_scores: NDArray[np.float32]) -> float:
    """The highest score that `share` of the images reach."""
    return float(np.quantile(known_scores, 1 - share))
