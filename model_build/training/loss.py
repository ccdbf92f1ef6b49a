"""Logits and what is known of the images in, one number to make smaller out."""

import torch
from torch import Tensor, nn

from model_build.config import Config


def loss_of(logits: Tensor, allowed: Tensor, taught: Tensor, config: Config) -> Tensor:
    """Cross-entropy of the allowed classes taken together, in part replaced by that of a teacher's probabilities, where
    it gives any; of a uniform answer, where no class is allowed (Hendrycks et al., "Deep Anomaly Detection with Outlier
    Exposure", arXiv 1812.04606); and of whether any is.
    """
    log_probabilities = logits[:, :-1].log_softmax(dim=1)
    known = allowed.any(dim=1)
    labelled = log_probabilities.masked_fill(~allowed, -torch.inf)[known].logsumexp(dim=1)
    agreeing = (taught * log_probabilities).sum(dim=1)[known]
    right = labelled.lerp(agreeing, config.taught_weight * taught[known].any(dim=1).float())
    uniform = log_probabilities[~known].mean(dim=1)
    known_loss = nn.functional.binary_cross_entropy_with_logits(logits[:, -1], known.float(), reduction="sum")
    total = -right.sum() - config.uniform_weight * uniform.sum() + config.known_weight * known_loss
    return total / len(logits)
