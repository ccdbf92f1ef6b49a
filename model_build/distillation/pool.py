"""Pool of mixed images and the teachers' outputs for them, made once: for machines that compute those slowly.

On a CPU, asking a large teacher takes several times as long as a student's step. So each image of the pool is learned
many times, shifted and mirrored anew, which hardly changes what teachers answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from model_build import run_files
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.distillation.images import augmented, seeded
from model_build.distillation.mixing import mix
from model_build.distillation.recipe import Distillation
from model_build.distillation.teachers import soft_targets
from model_build.progress import track
from model_build.training.augmentation import augment
from model_build.training.network import INFERENCE_BATCH

POOL_DIR: Final = "pool"

_PART: Final = 5_000  # images in a file
_SEED: Final = 2_000  # of the first part; of no student and no teacher
_SHIFT_PIXELS: Final = 1  # each part of a mixed image was shifted before, by as much as the run's Config says


@dataclass(frozen=True)
class Pool:
    """`images` (N, 28, 28) uint8; `targets` (N, 10) float32, the teachers' mean probabilities at one temperature."""

    images: Tensor
    targets: Tensor

    def drawn(self, count: int, config: Config, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` of the images at random, shifted, mirrored, normalized (count, 1, 28, 28); and their targets."""
        rows = torch.randint(0, len(self.images), (count,), generator=generator, device=self.images.device)
        moved = replace(config, shift_pixels=min(_SHIFT_PIXELS, config.shift_pixels), erasing_probability=0)
        return augmented(self.images[rows], moved, generator), self.targets[rows]


def load_pool(run_dir: Path, distillation: Distillation, images: Tensor, teachers: Sequence[nn.Module]) -> Pool:
    """A pool of the recipe's size, of `images` (N, 28, 28) uint8; the parts that `run_dir` lacks are made and kept."""
    folder, count = run_dir / POOL_DIR, distillation.recipe.pool_images
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, first in enumerate(track(range(0, count, _PART), "asking the teachers")):
        paths.append(folder / f"{number}.npz")
        if not paths[-1].exists():
            _save(_made(min(_PART, count - first), number, distillation, images, teachers), paths[-1])
    parts = [_load(path) for path in paths]
    device = distillation.device
    return Pool(
        torch.cat([part.images for part in parts]).to(device), torch.cat([part.targets for part in parts]).to(device)
    )


def _made(count: int, number: int, distillation: Distillation, images: Tensor, teachers: Sequence[nn.Module]) -> Pool:
    """A part of the pool, seeded by its number."""
    config, recipe, device = distillation.config, distillation.recipe, distillation.device
    dataset, generator = DATASETS[config.dataset], seeded(_SEED + number, device)
    rows = torch.randint(0, len(images), (count,), generator=generator, device=device)
    seen = augment(images[rows], config, mirror=dataset.mirrored_is_same, generator=generator)
    mixed = mix(seen[:, None].float(), recipe.mixed_share, generator).images[:, 0].round().byte()
    answers = [
        soft_targets(teachers, normalize(part, dataset), recipe.temperature) for part in mixed.split(INFERENCE_BATCH)
    ]
    return Pool(mixed, torch.cat(answers))


def _save(pool: Pool, path: Path) -> None:
    def write(unfinished: Path) -> None:
        with unfinished.open("wb") as file:  # to a path, NumPy would append .npz
            np.savez_compressed(file, images=pool.images.cpu().numpy(), targets=pool.targets.cpu().numpy())

    run_files.replace(path, write)


def _load(path: Path) -> Pool:
    with np.load(path) as stored:
        return Pool(torch.from_numpy(stored["images"]), torch.from_numpy(stored["targets"]))
