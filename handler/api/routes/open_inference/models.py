"""Names under which the model is served: its own, and one for stock clients of image classifiers.

Triton's `image_client.py` takes models that have one input, pixels of one size, and one output. The metadata of the
second name lists only those; requests may use every tensor under both names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handler.api.predictor import Predictor
from handler.api.routes.open_inference.tensors import ENCODED, Tensor, Tensors
from handler.contract import Label, ModelCard

ServedModels = Mapping[str, "ServedModel"]  # by name


@dataclass(frozen=True)
class ServedModel:
    """The model under one name: what its metadata lists, and its labels."""

    name: str
    version: str
    labels: tuple[Label, ...]
    tensors: Tensors
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    known_threshold: float
    confident_threshold: float


def served_models(predictor: Predictor, card: ModelCard) -> ServedModels:
    """All names; the model's own is the first."""
    tensors = Tensors.of(card.input, len(card.labels))
    own = ServedModel(
        card.name,
        card.version,
        card.labels,
        tensors,
        inputs=(tensors.images, ENCODED),
        outputs=tensors.outputs,
        known_threshold=predictor.known_threshold,
        confident_threshold=predictor.confident_threshold,
    )
    whole_images = replace(own, name=f"{card.name}-images", inputs=(tensors.rgb,), outputs=(tensors.probabilities,))
    return {model.name: model for model in (own, whole_images)}
