"""Calibrate a model for your own classes: temperature, the scale of `known`, and the thresholds of the int8 file."""

import random
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from handler.contract import ModelOutput
from model_build.metrics import confident_threshold
from model_build.own_classes.augmentation import outlier
from model_build.own_classes.examples import Examples
from model_build.own_classes.inference import INFERENCE_BATCH, logits_of
from model_build.own_classes.network import OwnNetwork
from model_build.release.calibrate import fitted_temperature

_OUTLIERS: Final = 300
_LOWEST_TEMPERATURE: Final = 0.5  # few validation images, all of them right, would ask for any sharpness
_KNOWN_KEPT: Final = 0.95  # of the validation images are known
_RIGHT_IF_CONFIDENT: Final = 0.97  # of the validation images that are confident

Pixels = NDArray[np.uint8]


def fitted(network: OwnNetwork, examples: Examples) -> Mapping[str, Any]:
    """Temperature, and the logistic function that makes `known` of the energy: fitted on images and outliers."""
    validation = examples.validation
    logits = logits_of(network, validation.batches(INFERENCE_BATCH))
    made = outliers(validation.served, _OUTLIERS)
    of_outliers = logits_of(network, iter([made[:, None]]))
    energies = torch.cat([logits, of_outliers]).logsumexp(dim=1).double().numpy()[:, np.newaxis]
    regression = LogisticRegression(class_weight="balanced").fit(energies, np.arange(len(energies)) < len(logits))
    return {
        "temperature": round(max(_LOWEST_TEMPERATURE, fitted_temperature(logits, validation.targets)), 4),
        "known_weight": round(max(float(regression.coef_[0, 0]), 1e-3), 4),
        "known_bias": round(float(regression.intercept_[0]), 4),
        "validation_images": len(validation),
        "outliers": _OUTLIERS,
    }


def thresholds(output: ModelOutput, classes: NDArray[np.int64]) -> Mapping[str, Any]:
    """The thresholds of `known` and `confident` from the int8 file's output for the validation images."""
    known_threshold = _floored(float(np.quantile(output.known, 1 - _KNOWN_KEPT)))
    known = output.known >= known_threshold
    right = output.probabilities.argmax(axis=1) == classes
    return {
        "known_threshold": known_threshold,
        "confident_threshold": confident_threshold(
            output.probabilities.max(axis=1)[known], right[known], _RIGHT_IF_CONFIDENT
        ),
        "method": (
            "temperature: lowest cross-entropy on the validation images; known_threshold: the highest that "
            f"{_KNOWN_KEPT:.0%} of them reach; confident_threshold: the lowest above which "
            f"{_RIGHT_IF_CONFIDENT:.0%} of the known ones are right"
        ),
    }


def outliers(images: Pixels, count: int, seed: int = 1_000) -> Pixels:
    """Made images of no class (count, channels, side, side), some of them from `images` (N, views, ...)."""
    rng = random.Random(seed)
    chosen = [torch.from_numpy(np.array(images[rng.randrange(len(images)), 0])) for _ in range(count)]
    return np.stack([outlier(image, rng).numpy() for image in chosen])


def _floored(value: float) -> float:
    return float(np.floor(value * 1e4) / 1e4)
