"""Calibrate a model for your own classes: temperature, what `known` is measured by, and the int8 file's thresholds."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from handler.contract import ModelOutput
from model_build.metrics import confident_threshold
from model_build.own_classes.augmentation import accessory_on_ground, outlier
from model_build.own_classes.examples import Examples
from model_build.own_classes.inference import INFERENCE_BATCH, features_of
from model_build.own_classes.network import OUTLIER_CENTRES, OwnNetwork, centres_of_a_class, strangeness
from model_build.release.calibrate import fitted_temperature

_OUTLIERS: Final = 300
_CENTRED_SEED: Final = 3_000  # of the outliers of which centres are computed
_CENTRED_IMAGES: Final = 200  # of a class, of which its centres are computed
_LOWEST_WEIGHT: Final = 1e-3
_LOWEST_TEMPERATURE: Final = 0.5  # few validation images, all of them right, would ask for any sharpness
_KNOWN_KEPT: Final = 0.95  # of the validation images are known
_RIGHT_IF_CONFIDENT: Final = 0.97  # of the validation images that are confident

Pixels = NDArray[np.uint8]
Centres = tuple[NDArray[np.float32], NDArray[np.float32]]  # of the classes and of outliers, (M, width) each


def class_centres(network: OwnNetwork, examples: Examples, most: int) -> NDArray[np.float32]:
    """(M, width): of each class at most `most` centres of its training images' pooled features, by k-means."""
    part, classes = examples.train, range(len(examples.labels))
    places = [np.flatnonzero(part.classes == class_id)[:_CENTRED_IMAGES] for class_id in classes]
    count = min(most, centres_of_a_class(len(classes)))
    return np.concatenate(
        [_centres(features_of(network, part.at(each).batches(INFERENCE_BATCH)), count) for each in places]
    )


def outlier_centres(network: OwnNetwork, examples: Examples) -> NDArray[np.float32]:
    """(M, width): centres of the features of images of no class, and of drawn accessories on the training's grounds."""
    images = examples.train.served
    kinds = [outliers(images, _OUTLIERS, _CENTRED_SEED, kind) for kind in (outlier, accessory_on_ground)]
    return np.concatenate([_centres(_features(network, each), OUTLIER_CENTRES) for each in kinds])


def fitted(network: OwnNetwork, centres: Centres, examples: Examples) -> Mapping[str, Any]:
    """Temperature, and the logistic function that makes `known` of the distances to the classes and to outliers.

    It is fitted on the validation images and as many made outliers; the threshold decides, so that only order counts.
    """
    validation = examples.validation
    features = features_of(network, validation.batches(INFERENCE_BATCH))
    both = torch.cat([features, _features(network, outliers(validation.served, _OUTLIERS))])
    distances = strangeness(both, *map(torch.from_numpy, centres)).double().numpy()[:, np.newaxis]
    regression = LogisticRegression(class_weight="balanced").fit(-distances, np.arange(len(distances)) < len(features))
    weight = max(float(regression.coef_[0, 0]), _LOWEST_WEIGHT)
    with torch.inference_mode():
        logits = network.logits(features)
    return {
        "temperature": round(max(_LOWEST_TEMPERATURE, fitted_temperature(logits, validation.targets)), 4),
        "known_distance": round(float(regression.intercept_[0]) / weight, 4),
        "known_weight": round(weight, 4),
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


def outliers(images: Pixels, count: int, seed: int = 1_000, made: Callable[..., Tensor] = outlier) -> Pixels:
    """Made images of no class (count, channels, side, side), some of them from `images` (N, views, ...)."""
    rng = random.Random(seed)
    chosen = [torch.from_numpy(np.array(images[rng.randrange(len(images)), 0])) for _ in range(count)]
    return np.stack([made(image, rng).numpy() for image in chosen])


def _features(network: OwnNetwork, images: Pixels) -> Tensor:
    """Pooled features (N, width) of images (N, channels, side, side)."""
    starts = range(0, len(images), INFERENCE_BATCH)
    return features_of(network, (images[start : start + INFERENCE_BATCH, None] for start in starts))


def _centres(features: Tensor, count: int) -> NDArray[np.float32]:
    """(`count` at most, width)"""
    found = KMeans(min(count, len(features)), n_init=3, random_state=0).fit(features.numpy())
    centres: NDArray[np.float32] = found.cluster_centers_.astype(np.float32)
    return centres


def _floored(value: float) -> float:
    return float(np.floor(value * 1e4) / 1e4)
