"""A network and what it has not learned from in; how well it does on it out."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.training_set import Examples, Pool
from model_build.metrics import auroc
from model_build.training.loss import loss_of

Prepare = Callable[[Tensor], Tensor]  # uint8 (N, 28, 28) -> what the network takes, where it is


class Validation(NamedTuple):
    """The accuracies are shares, 0 to 1."""

    loss: float
    accuracy: float  # both on the validation images
    photo_accuracy: float  # on the validation photos of known things
    rendered_accuracy: float  # on the validation images, rendered as shop pictures
    known_auroc: float  # of the validation images and photos against those of unknown things


def validate(network: Callable[[Tensor], Tensor], pool: Pool, config: Config, prepare: Prepare) -> Validation:
    """How `network`, which must be ready for inference, does on the validation sets of `pool`."""
    validation, photos, rendered, unknown = map(
        partial(logits_of, network, prepare=prepare),
        (pool.validation, pool.validation_photos, pool.validation_rendered, pool.validation_unknown),
    )
    is_known = torch.cat([pool.validation_photos.allowed.any(1), pool.validation_unknown.allowed.any(1)])
    known_logits = torch.cat([validation[:, -1], photos[:, -1], unknown[:, -1]])
    known = torch.cat([torch.ones(len(validation), dtype=torch.bool), is_known])
    return Validation(
        loss_of(validation, pool.validation.allowed, pool.validation.taught, config).item(),
        _accuracy(validation, pool.validation.allowed),
        _accuracy(photos, pool.validation_photos.allowed),
        _accuracy(rendered, pool.validation_rendered.allowed),
        auroc(known_logits.numpy(), known.numpy()),
    )


def logits_of(network: Callable[[Tensor], Tensor], examples: Examples, prepare: Prepare) -> Tensor:
    """float32 (N, 11) on the CPU, for N examples."""
    if not len(examples):
        return torch.empty(0, examples.allowed.shape[1] + 1)
    with torch.inference_mode():
        parts = [network(prepare(part)).float().cpu() for part in examples.images.split(1_000)]
    return torch.cat(parts)


def _accuracy(logits: Tensor, allowed: Tensor) -> float:
    """The share of images, among those of known things, whose likeliest class is an allowed one."""
    known = allowed.any(dim=1)
    guesses = logits[known, :-1].argmax(dim=1, keepdim=True)
    return allowed[known].gather(1, guesses).float().mean().item() if known.any() else float("nan")
