"""Training loss: labels, soft targets and outlier exposure."""

import torch
from torch import Tensor, nn

from model_build.config import Config


def loss_of(logits: Tensor, allowed: Tensor, soft_targets: Tensor, config: Config) -> Tensor:
    """The mean loss of `logits` (N, 11) over N images, the sum of three terms.

    Images of a class: cross-entropy of the allowed classes taken together; where there are soft targets, their
    cross-entropy replaces a part of it. Negatives, without an allowed class: cross-entropy of a uniform distribution
    (Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure", arXiv 1812.04606). All: whether a class is right.
    """
    log_probabilities = logits[:, :-1].log_softmax(dim=1)
    known = allowed.any(dim=1)
    # Masks in place of selected rows: a GPU need not wait for their number.
    labelled = log_probabilities.masked_fill(~allowed & known[:, None], -torch.inf).logsumexp(dim=1)
    distilled = (soft_targets * log_probabilities).sum(dim=1)
    right = labelled.lerp(distilled, config.soft_target_weight * soft_targets.any(dim=1).float())
    each = torch.where(known, right, config.uniform_weight * log_probabilities.mean(dim=1))
    known_loss = nn.functional.binary_cross_entropy_with_logits(logits[:, -1], known.float(), reduction="sum")
    return (config.known_weight * known_loss - each.sum()) / len(logits)
