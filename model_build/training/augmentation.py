"""Data augmentation: random shifts, mirroring and erasing."""

import torch
from torch import Tensor

from handler.contract import IMAGE_SIDE
from model_build.checks import check_array
from model_build.config import Config


def augment(images: Tensor, config: Config, *, mirror: bool, generator: torch.Generator) -> Tensor:
    """uint8 (N, 28, 28) -> uint8 (N, 28, 28), on the CPU; with `mirror`, half of the images are mirrored."""
    check_array("images to augment", images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
    images = _shift(images, config.shift_pixels, generator)
    if mirror:
        images = _mirror_half(images, generator)
    return _erase(images, config.erasing_probability, generator)


def _shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    count, height, width = images.shape
    padded = torch.nn.functional.pad(images, (pixels,) * 4)
    top, left = torch.randint(0, 2 * pixels + 1, (2, count), generator=generator)
    rows = top[:, None, None] + torch.arange(height)[None, :, None]
    columns = left[:, None, None] + torch.arange(width)[None, None, :]
    return padded[torch.arange(count)[:, None, None], rows, columns]


def _mirror_half(images: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen[:, None, None], images.flip(-1), images)


def _erase(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill a rectangle of 2 % to 33 % of the area with noise (Zhong et al., arXiv 1708.04896)."""
    count, height, width = images.shape
    chosen, share, ratio, top, left = torch.rand((5, count), generator=generator)
    area = (0.02 + 0.31 * share) * height * width
    aspect = torch.exp((2 * ratio - 1) * torch.log(torch.tensor(3.0)))
    box_height = (area * aspect).sqrt().clamp(max=height)
    box_width = (area / aspect).sqrt().clamp(max=width)
    inside_rows = _between(torch.arange(height), top * (height - box_height), box_height)
    inside_columns = _between(torch.arange(width), left * (width - box_width), box_width)
    box = inside_rows[:, :, None] & inside_columns[:, None, :] & (chosen < probability)[:, None, None]
    noise = torch.randint(0, 256, images.shape, dtype=torch.uint8, generator=generator)
    return torch.where(box, noise, images)


def _between(positions: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    return (positions >= starts[:, None]) & (positions < (starts + lengths)[:, None])
