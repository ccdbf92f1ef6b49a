"""Recipe of a distillation: sizes, lengths and rates of the teachers' training and of the student's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from model_build.config import Config


@dataclass(frozen=True)
class Recipe:
    """Settings beside those of a run's `Config`, which describes the student and its images."""

    teachers: int = 3
    teacher_widths: tuple[int, ...] = (64, 128, 256)
    teacher_blocks: int = 3  # of each stage
    teacher_epochs: int = 120
    teacher_batch: int = 512
    teacher_learning_rate: float = 0.4  # at its peak
    student_epochs: int = 500
    student_batch: int = 1_032  # of the dataset, an equal part for each teacher; the others come on top
    student_learning_rate: float = 0.4
    photos_per_batch: int = 128  # and composites
    shop_pictures_per_batch: int = 64
    negatives_per_batch: int = 32
    others_erasing_probability: float = 0.2  # of photos, composites, shop pictures and negatives
    temperature: float = 1.5  # of both outputs (Hinton et al., arXiv 1503.02531)
    mixed_share: float = 0.5  # of the dataset's images of a batch
    asked_share: float = 1.0  # of the dataset's images of a batch; the rest are mixed images of before
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_share: float = 0.05  # of all steps
    averaging_decay: float = 0.998  # per step


@dataclass(frozen=True)
class Distillation:
    """What is distilled, how, and on which device."""

    config: Config
    recipe: Recipe
    device: torch.device
    start: Path | None = None  # a run whose student goes on learning; None: one begins with random weights


PRESETS: Final[Mapping[str, Recipe]] = {
    "gpu": Recipe(),
    # For one CPU core, in the background, with the one teacher that is kept.
    "cpu": Recipe(
        teachers=1,
        teacher_epochs=30,
        teacher_batch=128,
        teacher_learning_rate=0.1,
        student_epochs=60,
        student_batch=128,
        student_learning_rate=0.15,
        photos_per_batch=16,
        shop_pictures_per_batch=8,
        negatives_per_batch=4,
        asked_share=0.5,
    ),
    # To go on from a distilled run, on one CPU core.
    "further": Recipe(
        teachers=1,
        student_epochs=60,
        student_batch=208,
        student_learning_rate=0.03,
        photos_per_batch=15,
        shop_pictures_per_batch=6,
        negatives_per_batch=6,
        asked_share=0.5,
        averaging_decay=0.999,
    ),
}
