"""Fit the last layer of a pretrained network: logistic regression on its frozen features, in about a minute."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from model_build.datasets.weights import balanced
from model_build.own_classes.examples import Examples
from model_build.own_classes.inference import pooled_features
from model_build.own_classes.network import OwnNetwork
from model_build.own_classes.recipe import Recipe

_STEPS: Final = 400
# Of the mean deviation of a feature. Weights of features that hardly vary would be so large that, rounded to 7 bits
# beside them, all others of a class became 0.
_LEAST_SCALE: Final = 0.2
_DECAYS: Final = (1e-4, 1e-3, 1e-2, 1e-1)  # validation chooses


def fit_linear_layer(network: OwnNetwork, recipe: Recipe, examples: Examples) -> None:
    """Logistic regression on the pooled features of images and mirror images; validation chooses its decay.

    The features are computed once, so that this takes a minute.
    """
    features, targets = pooled_features(network, examples.train, mirror=recipe.mirror)
    held_out, held_out_targets = pooled_features(network, examples.validation, mirror=False)
    weights = torch.from_numpy(balanced(targets.tolist(), -0.5)).float()
    scale = scale_of(features)
    fits = [_logistic(features / scale, targets, weights, len(examples.labels), decay) for decay in _DECAYS]
    losses = [nn.functional.cross_entropy(fit(held_out / scale), held_out_targets).item() for fit in fits]
    best = fits[int(np.argmin(losses))]
    network.classes.load_state_dict({"weight": (best.weight / scale)[:, :, None, None], "bias": best.bias})


def scale_of(features: Tensor) -> Tensor:
    """(width,): what features (N, width) are divided by: their deviations, but not much less than the mean of them."""
    deviations = features.std(dim=0, unbiased=False)
    return deviations.clamp(min=_LEAST_SCALE * float(deviations.mean()) + 1e-3)


def _logistic(features: Tensor, targets: Tensor, weights: Tensor, classes: int, decay: float) -> nn.Linear:
    layer = nn.Linear(features.shape[1], classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        each = nn.functional.cross_entropy(layer(features), targets, reduction="none")
        total: Tensor = (each * weights).sum() + decay * layer.weight.square().sum() / 2
        total.backward()
        return total

    optimizer.step(loss)
    return layer.requires_grad_(requires_grad=False)
