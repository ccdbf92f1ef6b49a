"""Vote on a photo: combine the classifier of cut-out grey pixels with the colour network.

    log p = (1 - w) log(P + e) + w log(C + e)       scores = softmax(log p / T)
    known = sigmoid(v logit(K) + u logit(1 - n) + b)

P and K are the classifier's probabilities and its `known`, n is the colour network's probability of none of the
classes, and C its others, whose sum is made 1. The weighted geometric mean is a logarithmic opinion pool (C. Genest and
J. Zidek, "Combining Probability Distributions", Statistical Science 1(1), 1986), T a temperature (C. Guo et al., "On
Calibration of Modern Neural Networks", arXiv 1706.04599), and `known` a logistic regression.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelInput, ModelOutput
from handler.errors import InvalidModel
from handler.inference.colour import ColourClassifier

LEAST: Final = 1e-3  # e above: one network alone cannot rule out a class
LEAST_KNOWN: Final = 1e-4  # logits are of values from here to 1 - 1e-4


@dataclass(frozen=True)
class Vote:
    """The constants w, T, v, u and b, as the model card has them."""

    colour_weight: float
    temperature: float
    known_classifier_weight: float
    known_colour_weight: float
    known_bias: float

    @classmethod
    def of_card(cls, document: Mapping[str, Any]) -> "Vote":
        """The constants in the model card `document`. Raises InvalidModel, which names what is missing or wrong."""
        found = document.get("photos", {}).get("vote")
        constants: Mapping[str, Any] = found if isinstance(found, dict) else {}
        missing = [field.name for field in fields(cls) if not _is_number(constants.get(field.name))]
        if missing:
            names = ", ".join(missing)
            raise InvalidModel(
                f"photos cannot be classified: the model card's photos.vote lacks {names}: a number each"
            )
        vote = cls(**{field.name: float(constants[field.name]) for field in fields(cls)})
        if vote.temperature <= 0:
            raise InvalidModel(f"the model card's photos.vote.temperature should be above 0, but is {vote.temperature}")
        return vote


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


class PhotoVote:
    """The colour network's vote on those of N images that are photos."""

    def __init__(self, network: ColourClassifier, vote: Vote) -> None:
        self._network, self._vote = network, vote

    def applied(self, output: ModelOutput, images: Sequence[ModelInput]) -> ModelOutput:
        """`output`, of the classifier for N images, with the vote on each that has pixels in colour."""
        pixels = {index: image.colour for index, image in enumerate(images) if image.colour is not None}
        if not pixels:
            return output
        photos = list(pixels)
        colour = self._network.probabilities(list(pixels.values()))
        votes = voted(ModelOutput(output.probabilities[photos], output.known[photos]), colour, self._vote)
        probabilities, known = output.probabilities.copy(), output.known.copy()
        probabilities[photos], known[photos] = votes.probabilities, votes.known
        return ModelOutput(probabilities, known)


def voted(output: ModelOutput, colour: NDArray[np.float32], vote: Vote) -> ModelOutput:
    """The vote on N photos: `output` of the classifier, and `colour` (N, K + 1) of the colour network.

    The logarithms are the C library's in double precision: those of NumPy's vector units differ by processor.
    """
    classes = output.probabilities.shape[1]
    if colour.shape[1] != classes + 1:
        raise InvalidModel(f"the colour network should have {classes + 1} outputs, but has {colour.shape[1]}")
    rows = zip(output.probabilities.tolist(), colour.tolist(), strict=True)
    scores = [_scores(of_classifier, of_colour[:classes], vote) for of_classifier, of_colour in rows]
    pairs = zip(output.known.tolist(), colour[:, classes].tolist(), strict=True)
    known = [_known(of_classifier, none, vote) for of_classifier, none in pairs]
    return ModelOutput(np.array(scores, np.float32).reshape(-1, classes), np.array(known, np.float32))


def _scores(of_classifier: Iterable[float], of_colour: Sequence[float], vote: Vote) -> list[float]:
    total, weight = sum(of_colour) or 1.0, vote.colour_weight
    logits = [
        ((1 - weight) * math.log(p + LEAST) + weight * math.log(c / total + LEAST)) / vote.temperature
        for p, c in zip(of_classifier, of_colour, strict=True)
    ]
    highest = max(logits)
    powers = [math.exp(logit - highest) for logit in logits]
    sum_of_powers = sum(powers)
    return [power / sum_of_powers for power in powers]


def _known(of_classifier: float, none: float, vote: Vote) -> float:
    weighted = vote.known_classifier_weight * _logit(of_classifier) + vote.known_colour_weight * _logit(1 - none)
    return _sigmoid(weighted + vote.known_bias)


def _logit(probability: float) -> float:
    inside = min(max(probability, LEAST_KNOWN), 1 - LEAST_KNOWN)
    return math.log(inside / (1 - inside))


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(logit, -700.0)))  # exp of more than 709 overflows
