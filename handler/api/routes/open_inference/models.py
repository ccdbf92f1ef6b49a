"""Names under which the model is served: its own, and one for stock clients of image classifiers.

Triton's `image_client.py` takes models that have one input, pixels of one size, and one output. So one name lists only
those. Requests may use every tensor under both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from handler.api.predictor import Predictor
from handler.api.routes.open_inference.tensors import ENCODED, IMAGES, OUTPUTS, PROBABILITIES, RGB, Tensor
from handler.contract import Label, ModelCard

ServedModels = Mapping[str, "ServedModel"]  # by name


@dataclass(frozen=True)
class ServedModel:
    """The model under one name: what its metadata lists, and its labels."""

    name: str
    version: str
    labels: tuple[Label, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    known_threshold: float
    confident_threshold: float


def served_models(predictor: Predictor, card: ModelCard) -> ServedModels:
    """All names; the model's own is the first."""
    name, version = str(card.document["name"]), str(card.document["version"])
    common = (predictor.known_threshold, predictor.confident_threshold)
    models = (
        ServedModel(name, version, predictor.labels, (IMAGES, ENCODED), OUTPUTS, *common),
        ServedModel(f"{name}-images", version, predictor.labels, (RGB,), (PROBABILITIES,), *common),
    )
    return {model.name: model for model in models}
