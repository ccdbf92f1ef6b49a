"""Training images on the device that learns from them: all at once in its memory, augmented there in batches."""

from dataclasses import fields

import torch
from torch import Tensor

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.training_set import Examples
from model_build.training.augmentation import augment

VALIDATION_BATCH = 1_000


def on_device(examples: Examples, device: torch.device) -> Examples:
    return Examples(*(getattr(examples, field.name).to(device) for field in fields(Examples)))


def joined(*parts: Examples) -> Examples:
    """The examples of all parts, in their order."""
    return Examples(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Examples)))


def drawn(examples: Examples, count: int, generator: torch.Generator, chances: Tensor | None = None) -> Examples:
    """`count` examples at random, with replacement; none if there are none.

    `chances` (N,) are cumulative, up to 1; without them, all examples are as likely.
    """
    count = count if len(examples) else 0
    device = examples.images.device
    if chances is None:
        rows = torch.randint(0, max(len(examples), 1), (count,), generator=generator, device=device)
    else:
        drawn_from = torch.rand(count, dtype=chances.dtype, generator=generator, device=device)
        rows = torch.searchsorted(chances, drawn_from).clamp(max=max(len(examples) - 1, 0))
    return examples[rows]


def augmented(images: Tensor, config: Config, generator: torch.Generator) -> Tensor:
    """uint8 (N, 28, 28) -> normalized float32 (N, 1, 28, 28)."""
    dataset = DATASETS[config.dataset]
    return normalize(augment(images, config, mirror=dataset.mirrored_is_same, generator=generator), dataset)


def shuffled_batches(count: int, size: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """Indices of whole batches of `size` in a random order; a rest that fills no batch is left out."""
    order = torch.randperm(count, generator=generator, device=device)
    return list(order[: count // size * size].split(size))


def seeded(seed: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)
