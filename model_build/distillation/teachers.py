"""Train the teachers, one after another, on the dataset alone, with mixed and erased images."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.training_set import Examples
from model_build.distillation.images import VALIDATION_BATCH, augmented, on_device, seeded, shuffled_batches
from model_build.distillation.learner import Learner
from model_build.distillation.mixing import mix, mixed_loss
from model_build.distillation.recipe import Distillation
from model_build.distillation.repeated import repeated
from model_build.distillation.teacher import Teacher
from model_build.run_files import replace, require
from model_build.training.network import without_batch_norm
from model_build.training.train import mixed_precision

TEACHERS_DIR: Final = "teachers"  # in a run

_SEED = 1_000  # of the first teacher; of no student

log = logging.getLogger(__name__)


def train_teachers(folder: Path, distillation: Distillation, dataset: Examples, validation: Examples) -> None:
    """Train those that `folder` does not hold yet; each is written when it is done, its weights in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    device, count = distillation.device, distillation.recipe.teachers
    dataset, validation = on_device(dataset, device), on_device(validation, device)
    for number in range(count):
        path = _path(folder, number)
        if not path.exists():
            replace(path, partial(torch.save, _halved(_trained(distillation, dataset, _SEED + number))))
        _log_validation(f"teacher {number + 1}", [_loaded(path, distillation)], distillation.config, validation)
    _log_validation(f"all {count} teachers", load_teachers(folder, distillation), distillation.config, validation)


def load_teachers(folder: Path, distillation: Distillation) -> Sequence[nn.Module]:
    """The trained teachers, ready for inference. Raises RunError if one is missing."""
    for number in range(distillation.recipe.teachers):
        require(folder.parent, f"{folder.name}/{_path(folder, number).name}", "distil")
    return [_loaded(_path(folder, number), distillation) for number in range(distillation.recipe.teachers)]


def soft_targets(teachers: Sequence[nn.Module], images: Tensor, temperature: float) -> Tensor:
    """Mean probabilities (N, 10) of the teachers, at `temperature`, of normalized images (N, 1, 28, 28)."""
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), mixed_precision(images.device):
        outputs = [(teacher(images).float() / temperature).softmax(dim=1) for teacher in teachers]
    return torch.stack(outputs).mean(dim=0).clone()


def distillation_loss(logits: Tensor, targets: Tensor, temperature: float, known_weight: float) -> Tensor:
    """Loss of logits (N, 11) of the dataset's images: from `targets` (N, 10) at `temperature`, and of `known`.

    Cross-entropy, scaled as by Hinton et al. (arXiv 1503.02531), so that its gradients do not depend on `temperature`.
    """
    distilled = nn.functional.cross_entropy(logits[:, :-1] / temperature, targets)
    known = nn.functional.binary_cross_entropy_with_logits(logits[:, -1], torch.ones_like(logits[:, -1]))
    return temperature**2 * distilled + known_weight * known


def validated(teachers: Sequence[nn.Module], config: Config, examples: Examples) -> tuple[float, float]:
    """Accuracy (a share) and cross-entropy of the teachers' mean probabilities."""
    dataset, labels = DATASETS[config.dataset], examples.allowed.int().argmax(dim=1)
    parts = [soft_targets(teachers, normalize(part, dataset), 1.0) for part in examples.images.split(VALIDATION_BATCH)]
    probabilities = torch.cat(parts)
    loss = torch.nn.functional.nll_loss(probabilities.clamp(min=1e-9).log(), labels)
    return (probabilities.argmax(dim=1) == labels).float().mean().item(), loss.item()


def _log_validation(name: str, teachers: Sequence[nn.Module], config: Config, validation: Examples) -> None:
    accuracy, loss = validated(teachers, config, validation)
    log.info("%s: validation %.2f %%, cross-entropy %.4f", name, 100 * accuracy, loss)


def _trained(distillation: Distillation, dataset: Examples, seed: int) -> Mapping[str, Tensor]:
    config, recipe, device = distillation.config, distillation.recipe, distillation.device
    torch.manual_seed(seed)
    generator = seeded(seed, device)
    labels = dataset.allowed.int().argmax(dim=1)
    steps = recipe.teacher_epochs * (len(dataset) // recipe.teacher_batch)
    network = Teacher(recipe.teacher_widths, recipe.teacher_blocks)
    learner = Learner(network, recipe, recipe.teacher_learning_rate, steps, device)

    def step(rows: Tensor) -> Tensor:
        mixed = mix(augmented(dataset.images[rows], config, generator), recipe.mixed_share, generator)
        loss = mixed_loss(learner.forward(mixed.images), labels[rows], mixed)
        learner.learn(loss)
        return loss.detach()

    repeated_step = repeated(step, generator)
    for epoch in range(recipe.teacher_epochs):
        for rows in shuffled_batches(len(dataset), recipe.teacher_batch, generator, device):
            repeated_step(rows)
            learner.follow()
        log.info("teacher epoch %d of %d", epoch + 1, recipe.teacher_epochs)
    return learner.averaged.state_dict()


def _halved(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}


def _loaded(path: Path, distillation: Distillation) -> nn.Module:
    """A teacher with its weights in float32 again, and without batch normalization."""
    teacher = Teacher(distillation.recipe.teacher_widths, distillation.recipe.teacher_blocks)
    teacher.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    teacher = without_batch_norm(teacher).to(distillation.device).to(memory_format=torch.channels_last)
    if distillation.device.type == "cuda":
        teacher.compile(dynamic=False)
    return teacher


def _path(folder: Path, number: int) -> Path:
    return folder / f"teacher-{number + 1}.pt"
