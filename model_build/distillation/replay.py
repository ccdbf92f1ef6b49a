"""Mixed images with the teachers' answers, some of them learned again: for machines that ask the teachers slowly.

On a CPU, asking a large teacher takes several times as long as a student's step. So it is asked about a share of each
batch, and the batch is drawn from the newest answers, shifted and mirrored anew, which hardly changes what teachers
answer. Each answer is forgotten soon: a student learns a pool that stays by heart.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from model_build.datasets.mnist import DATASETS, normalize
from model_build.distillation.images import augmented
from model_build.distillation.mixing import mix
from model_build.distillation.recipe import Distillation
from model_build.distillation.teachers import soft_targets
from model_build.training.augmentation import augment

_KEPT: Final = 20_000  # of the newest answers
_SHIFT_PIXELS: Final = 1  # each part of a mixed image was shifted before, by as much as the run's Config says


class Replay:
    """The newest answers of `teachers`, if they are asked about a share only."""

    def __init__(self, distillation: Distillation, teachers: Sequence[nn.Module]) -> None:
        self._distillation, self._teachers = distillation, teachers
        size = _KEPT if distillation.recipe.asked_share < 1 else 0
        self._images = torch.zeros((size, 28, 28), dtype=torch.uint8, device=distillation.device)
        self._targets = torch.zeros((size, 10), device=distillation.device)
        self._answered = 0

    def batch(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """As many as `images` (N, 28, 28) uint8: normalized (N, 1, 28, 28), and the teachers' probabilities (N, 10).

        The teachers are asked about the recipe's share of `images`, mixed. If that is all, these are the batch.
        """
        config = self._distillation.config
        count = max(1, round(self._distillation.recipe.asked_share * len(images)))
        mixed, targets = self._asked(images[:count], generator)
        if count == len(images):
            return normalize(mixed, DATASETS[config.dataset]), targets
        self._keep(mixed, targets)
        kept = min(self._answered, _KEPT)
        rows = torch.randint(0, kept, (len(images),), generator=generator, device=images.device)
        moved = replace(config, shift_pixels=min(_SHIFT_PIXELS, config.shift_pixels), erasing_probability=0)
        return augmented(self._images[rows], moved, generator), self._targets[rows]

    def state_dict(self) -> dict[str, Any]:
        return {"images": self._images, "targets": self._targets, "answered": self._answered}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._images.copy_(state["images"])
        self._targets.copy_(state["targets"])
        self._answered = state["answered"]

    def _asked(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        config, recipe = self._distillation.config, self._distillation.recipe
        dataset = DATASETS[config.dataset]
        seen = augment(images, config, mirror=dataset.mirrored_is_same, generator=generator)
        mixed = mix(seen[:, None].float(), recipe.mixed_share, generator).images[:, 0].round().byte()
        normalized = normalize(mixed, dataset)
        parts = zip(self._teachers, normalized.tensor_split(len(self._teachers)), strict=True)
        answers = [soft_targets([teacher], part, recipe.temperature) for teacher, part in parts]
        return mixed, torch.cat(answers)

    def _keep(self, mixed: Tensor, targets: Tensor) -> None:
        """In place of the oldest."""
        places = torch.arange(self._answered, self._answered + len(mixed), device=mixed.device) % _KEPT
        self._images[places], self._targets[places] = mixed, targets
        self._answered += len(mixed)
