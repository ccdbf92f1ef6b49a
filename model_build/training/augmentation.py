"""Data augmentation: random shifts, mirroring and erasing."""

import math

import torch
from torch import Tensor

from handler.contract import IMAGE_SIDE
from model_build.checks import check_array
from model_build.config import Config


def augment(images: Tensor, config: Config, *, mirror: bool, generator: torch.Generator) -> Tensor:
    """uint8 (N, 28, 28) -> uint8 (N, 28, 28), on the device of both; with `mirror`, half of the images are mirrored."""
    check_array("images to augment", images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
    images = _shift(images, config.shift_pixels, generator)
    if mirror:
        images = _mirror_half(images, generator)
    return _erase(images, config.erasing_probability, generator)


def _shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    count, height, width = images.shape
    device = images.device
    padded = torch.nn.functional.pad(images, (pixels,) * 4)
    top, left = torch.randint(0, 2 * pixels + 1, (2, count), generator=generator, device=device)
    rows = top[:, None, None] + torch.arange(height, device=device)[None, :, None]
    columns = left[:, None, None] + torch.arange(width, device=device)[None, None, :]
    return padded[torch.arange(count, device=device)[:, None, None], rows, columns]


def _mirror_half(images: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(chosen[:, None, None], images.flip(-1), images)


def _erase(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill a rectangle of 2 % to 33 % of the area with noise (Zhong et al., arXiv 1708.04896)."""
    count, height, width = images.shape
    device = images.device
    chosen, share, ratio, top, left = torch.rand((5, count), generator=generator, device=device)
    area = (0.02 + 0.31 * share) * height * width
    aspect = torch.exp((2 * ratio - 1) * math.log(3))
    box_height = (area * aspect).sqrt().clamp(max=height)
    box_width = (area / aspect).sqrt().clamp(max=width)
    inside_rows = between(torch.arange(height, device=device), top * (height - box_height), box_height)
    inside_columns = between(torch.arange(width, device=device), left * (width - box_width), box_width)
    box = inside_rows[:, :, None] & inside_columns[:, None, :] & (chosen < probability)[:, None, None]
    noise = torch.randint(0, 256, images.shape, dtype=torch.uint8, generator=generator, device=device)
    return torch.where(box, noise, images)


def between(positions: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """bool (N, positions): which of `positions` lie in the interval of each of N images."""
    return (positions >= starts[:, None]) & (positions < (starts + lengths)[:, None])
