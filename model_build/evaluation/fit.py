"""Fit the constants of the vote on photos of held-out senders, and check them by cross-fitting over senders.

Weight and temperature: lowest cross-entropy, as C. Guo et al., "On Calibration of Modern Neural Networks" (arXiv
1706.04599), choose a temperature. `known`: logistic regression (J. Platt, "Probabilistic Outputs for Support Vector
Machines", 1999) over both networks; its bias then makes the card's one threshold keep the promised share.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from handler.contract import ModelOutput
from handler.inference.vote import LEAST, LEAST_KNOWN, Vote
from model_build.datasets.weights import balanced
from model_build.evaluation.outputs import Outputs
from model_build.evaluation.pictures import Picture

KNOWN_KEPT: Final = 0.94  # of the pictures of the ten classes: above the promised 93 %, since other pictures differ
FOLDS: Final = 5
_WEIGHTS: Final = np.linspace(0, 1, 41)
_TEMPERATURES: Final = np.geomspace(0.3, 2, 96)


@dataclass(frozen=True)
class Measured:
    """Pictures with what the networks say of them."""

    pictures: Sequence[Picture]
    outputs: Outputs

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Measured":
        return Measured([self.pictures[i] for i in np.flatnonzero(chosen).tolist()], self.outputs[chosen])

    @property
    def classes(self) -> NDArray[np.int64]:
        """(N,): class ids, -1 for none of the ten."""
        return np.array([-1 if picture.class_id is None else picture.class_id for picture in self.pictures], np.int64)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(N,), sum 1: ordinary photos, photos of further kinds and pictures of shops count the same together.

        A sample of users' pictures has some of each; that of the held-out senders is mostly ordinary.
        """
        return balanced([picture.group for picture in self.pictures], power=-1)

    @property
    def are_of_the_ten(self) -> NDArray[np.bool_]:
        return self.classes >= 0

    def right(self, output: ModelOutput) -> NDArray[np.bool_]:
        """(N,): whether the likeliest class of `output` is that of the picture."""
        right: NDArray[np.bool_] = output.probabilities.argmax(axis=1) == self.classes
        return right


def fitted_vote(measured: Measured, known_threshold: float) -> Vote:
    """The constants for `measured`, of which `KNOWN_KEPT` of those of the ten classes reach `known_threshold`."""
    ten = measured[measured.are_of_the_ten]
    weight, temperature = _fitted_scores(ten)
    of_classifier, of_colour, bias = _fitted_known(measured, known_threshold)
    return Vote(*(round(value, 4) for value in (weight, temperature, of_classifier, of_colour, bias)))


def cross_fitted(measured: Measured, known_threshold: float) -> ModelOutput:
    """Output for every picture, with constants that were fitted without the pictures of its sender."""
    probabilities = np.zeros((len(measured), 10), np.float32)
    known = np.zeros(len(measured), np.float32)
    for inside in folds(measured.pictures):
        output = measured.outputs[inside].voted(fitted_vote(measured[~inside], known_threshold))
        probabilities[inside], known[inside] = output.probabilities, output.known
    return ModelOutput(probabilities, known)


def folds(pictures: Sequence[Picture]) -> Iterator[NDArray[np.bool_]]:
    """Which pictures (N,) are in each of `FOLDS` parts; all pictures of a sender are in one."""
    parts = np.array([hashlib.sha256(picture.sender.encode()).digest()[0] % FOLDS for picture in pictures])
    return (parts == part for part in range(FOLDS))


def _fitted_scores(ten: Measured) -> tuple[float, float]:
    """Weight by the classes' cross-entropy, each class counting as the root of its number; then the temperature."""
    even, classes = ten.weights, ten.classes
    by_class = even * balanced(classes.tolist())
    of_classifier = np.log(ten.outputs.classifier.probabilities + LEAST)
    of_colour = np.log(ten.outputs.colour[:, :-1] / ten.outputs.colour[:, :-1].sum(axis=1, keepdims=True) + LEAST)

    def loss(weight: float, temperature: float, shares: NDArray[np.float64]) -> float:
        logits = ((1 - weight) * of_classifier + weight * of_colour) / temperature
        of_class = logits[np.arange(len(ten)), classes]
        return float(shares @ (np.log(np.exp(logits).sum(axis=1)) - of_class))

    weight = min(_WEIGHTS, key=lambda w: min(loss(w, t, by_class) for t in _TEMPERATURES[::4]))
    return float(weight), float(min(_TEMPERATURES, key=lambda t: loss(weight, t, even)))


def _fitted_known(measured: Measured, known_threshold: float) -> tuple[float, float, float]:
    """Weights of both networks for `known`, and the bias with which `known_threshold` keeps KNOWN_KEPT."""
    ten = measured.are_of_the_ten
    of_networks = np.stack([measured.outputs.classifier.known, 1 - measured.outputs.colour[:, -1]], axis=1)
    features = _logit(of_networks.astype(np.float64).clip(LEAST_KNOWN, 1 - LEAST_KNOWN))
    shares = measured.weights * len(measured)
    regression = LogisticRegression(class_weight="balanced").fit(features, ten, shares)
    weights = np.maximum(regression.coef_[0], 0)
    reached = _weighted_quantile((features @ weights)[ten], shares[ten], 1 - KNOWN_KEPT)
    return float(weights[0]), float(weights[1]), float(_logit(np.float64(known_threshold))) - reached


def _logit(probabilities: Any) -> Any:
    return np.log(probabilities / (1 - probabilities))


def _weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The highest of `values` that all but `share` of the weight reach."""
    ascending = np.argsort(values)
    below = np.cumsum(weights[ascending]) - weights[ascending]
    return float(values[ascending][np.flatnonzero(below <= share * weights.sum())[-1]])
