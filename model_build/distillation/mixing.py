"""Mixed images: parts of two images in one, by mixup or by cutmix."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model_build.training.augmentation import between


@dataclass(frozen=True)
class Mixed:
    """N images, each with a share of itself and the rest of a partner.

    `images` (N, 1, H, W) float; `partner` (N,) indices into the images; `share` (N,) 0 to 1, of the image itself.
    """

    images: Tensor
    partner: Tensor
    share: Tensor


def mix(images: Tensor, mixed_share: float, generator: torch.Generator) -> Mixed:
    """Mix about `mixed_share` of `images`, half of them by each method; on the device of `images` and `generator`.

    Mixup: Zhang et al., arXiv 1710.09412. Cutmix: Yun et al., arXiv 1905.04899.
    """
    count, _, height, width = images.shape
    device = images.device
    chosen, kind, share, top, left = torch.rand((5, count), generator=generator, device=device)
    partner = torch.rand(count, generator=generator, device=device).argsort()  # a CUDA graph may record this
    box = _boxes(1 - share, top, left, height, width)
    cut_share = 1 - box.float().mean((1, 2))
    blended = images.lerp(images[partner], (1 - share)[:, None, None, None])
    pasted = torch.where(box[:, None], images[partner], images)
    by_cutmix, unmixed = kind < 0.5, chosen >= mixed_share
    share = torch.where(by_cutmix, cut_share, share).masked_fill(unmixed, 1.0)
    mixed = torch.where(by_cutmix[:, None, None, None], pasted, blended)
    return Mixed(torch.where(unmixed[:, None, None, None], images, mixed), partner, share)


def mixed_loss(logits: Tensor, labels: Tensor, mixed: Mixed) -> Tensor:
    """Cross-entropy of `logits` (N, classes) with `labels` (N,) of the images and of their partners, by share."""
    of_itself = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    of_partner = torch.nn.functional.cross_entropy(logits, labels[mixed.partner], reduction="none")
    return of_partner.lerp(of_itself, mixed.share).mean()


def _boxes(area: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """bool (N, height, width): a box of the image's aspect with `area` (N,), a share of the image."""
    side = area.sqrt()
    rows = between(torch.arange(height, device=area.device), top * (1 - side) * height, side * height)
    columns = between(torch.arange(width, device=area.device), left * (1 - side) * width, side * width)
    return rows[:, :, None] & columns[:, None, :]
