"""Validation: loss, accuracies and AUROC of a network on examples that it has not learned from."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.training_set import Examples, TrainingSet
from model_build.metrics import auroc
from model_build.training.loss import loss_of
from model_build.training.network import INFERENCE_BATCH

Prepare = Callable[[Tensor], Tensor]  # uint8 (N, 28, 28) -> the network's input, on its device


class Validation(NamedTuple):
    """The accuracies are shares, 0 to 1."""

    loss: float
    accuracy: float  # loss and accuracy are of the validation images
    photo_accuracy: float  # on the validation photos that show one of the classes
    shop_picture_accuracy: float  # on synthetic shop pictures of the validation images
    known_auroc: float  # of the validation images and photos against negatives


def validate(
    network: Callable[[Tensor], Tensor], training_set: TrainingSet, config: Config, prepare: Prepare
) -> Validation:
    """Measure `network`, which must be in evaluation mode, on each kind of validation examples."""
    images, photos = training_set.validation, training_set.validation_photos
    shop_pictures, non_clothing = training_set.validation_shop_pictures, training_set.validation_non_clothing
    of_images, of_photos, of_shop_pictures, of_non_clothing = map(
        partial(logits_of, network, prepare=prepare), (images, photos, shop_pictures, non_clothing)
    )
    known_logits = torch.cat([of_images[:, -1], of_photos[:, -1], of_non_clothing[:, -1]])
    known = torch.cat([examples.allowed.any(dim=1).cpu() for examples in (images, photos, non_clothing)])
    return Validation(
        loss_of(of_images, images.allowed.cpu(), images.soft_targets.cpu(), config).item(),
        _accuracy(of_images, images.allowed),
        _accuracy(of_photos, photos.allowed),
        _accuracy(of_shop_pictures, shop_pictures.allowed),
        auroc(known_logits.numpy(), known.numpy()),
    )


def logits_of(network: Callable[[Tensor], Tensor], examples: Examples, prepare: Prepare) -> Tensor:
    """float32 (N, 11) on the CPU, for N examples."""
    if not len(examples):
        return torch.empty(0, examples.allowed.shape[1] + 1)
    with torch.inference_mode():
        parts = [network(prepare(part)).float().cpu() for part in examples.images.split(INFERENCE_BATCH)]
    return torch.cat(parts)


def _accuracy(logits: Tensor, allowed: Tensor) -> float:
    """The share of images whose likeliest class is an allowed one, negatives left out."""
    allowed = allowed.cpu()
    known = allowed.any(dim=1)
    likeliest = logits[known, :-1].argmax(dim=1, keepdim=True)
    return allowed[known].gather(1, likeliest).float().mean().item() if known.any() else float("nan")
