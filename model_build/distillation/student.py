"""Train the student: on the dataset's images from the teachers' outputs alone, on everything else from its labels.

The teachers see the very images that the student sees, augmented and mixed (L. Beyer et al., "Knowledge distillation:
A good teacher is patient and consistent", arXiv 2106.05237).
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.training_set import Examples, TrainingSet
from model_build.distillation.examples import chances
from model_build.distillation.images import (
    VALIDATION_BATCH,
    augmented,
    drawn,
    joined,
    on_device,
    seeded,
    shuffled_batches,
)
from model_build.distillation.learner import Learner
from model_build.distillation.recipe import Distillation
from model_build.distillation.repeated import repeated
from model_build.distillation.replay import Replay
from model_build.distillation.teachers import distillation_loss, soft_targets
from model_build.run_files import (
    DISTILLATIONS_FILE,
    FINE_TUNED_WEIGHTS_FILE,
    RunError,
    read_distillations,
    save_config,
    write_json,
)
from model_build.run_files import replace as write
from model_build.training.checkpoint import load, save_weights, trained_network
from model_build.training.loss import loss_of
from model_build.training.network import build_network
from model_build.training.validation import validate

_RESUME_FILE: Final = "student.pt"
_SECONDS_BETWEEN_SAVES: Final = 300

log = logging.getLogger(__name__)


def train_student(
    run_dir: Path,
    distillation: Distillation,
    training_set: TrainingSet,
    teachers: Sequence[nn.Module],
    seconds: float = math.inf,
) -> bool:
    """Train the student of `run_dir`; True once all epochs are done.

    Stops at the end of an epoch after `seconds`. Then, and at the end of an epoch every few minutes, the weights are
    written to the run's folder, and the state from which the same call resumes.
    Raises RunError if the loss is no longer a number.
    """
    run, end = _Run(distillation, training_set, teachers), time.monotonic() + seconds
    run.resume(run_dir)
    saved = time.monotonic()
    while run.epochs < distillation.recipe.student_epochs:
        run.advance()
        done, stop = run.epochs == distillation.recipe.student_epochs, time.monotonic() > end
        if done or stop or time.monotonic() > saved + _SECONDS_BETWEEN_SAVES:
            run.save(run_dir)
            saved = time.monotonic()
        if stop:
            break
    return run.epochs == distillation.recipe.student_epochs


class _Run:
    """The state that changes while the student learns."""

    def __init__(self, distillation: Distillation, training_set: TrainingSet, teachers: Sequence[nn.Module]) -> None:
        self.config, self.recipe, self.device = distillation.config, distillation.recipe, distillation.device
        self.training_set = _with_soft_targets(training_set, distillation, teachers)
        self.of_others = replace(self.config, erasing_probability=self.recipe.others_erasing_probability)
        self.photo_chances = chances(training_set.photos).to(self.device)
        self.negatives = joined(self.training_set.non_clothing, self.training_set.accessories)
        steps = self.recipe.student_epochs * (len(training_set.dataset) // self.recipe.student_batch)
        torch.manual_seed(self.config.seed)
        start = distillation.start
        self.recipes_before = read_distillations(start) if start else []
        network = trained_network(start, self.config) if start else build_network(self.config)
        self.learner = Learner(network, self.recipe, self.recipe.student_learning_rate, steps, self.device)
        self.replay = Replay(distillation, teachers)
        self.generator = seeded(self.config.seed, self.device)
        self.step = repeated(self._step, self.generator)
        self.epochs = 0

    def advance(self) -> None:
        """Learn for one epoch of the dataset."""
        count = len(self.training_set.dataset)
        batches = shuffled_batches(count, self.recipe.student_batch, self.generator, self.device)
        total = torch.zeros((), device=self.device)
        for batch in batches:
            total += self.step(batch)
            self.learner.follow()
        if not total.isfinite():
            raise RunError(f"the student diverged in epoch {self.epochs + 1}: choose a lower learning rate")
        self.epochs += 1
        log.info("epoch %d of %d: loss %.4f", self.epochs, self.recipe.student_epochs, total.item() / len(batches))

    def save(self, run_dir: Path) -> None:
        """Write configuration, weights and state, and log how well the weights do on the validation examples."""
        save_config(run_dir, self.config)
        write_json(run_dir / DISTILLATIONS_FILE, {"recipes": [*self.recipes_before, asdict(self.recipe)]})
        save_weights(run_dir / FINE_TUNED_WEIGHTS_FILE, self.learner.averaged)
        state = {
            "learner": self.learner.state_dict(),
            "replay": self.replay.state_dict(),
            "generator": self.generator.get_state(),
            "epochs": self.epochs,
        }
        write(run_dir / _RESUME_FILE, partial(torch.save, state))
        found = validate(self.learner.averaged.eval(), self.training_set, self.config, self._normalized)
        log.info("validation: %s", ", ".join(f"{name} {value:.4f}" for name, value in found._asdict().items()))

    def resume(self, run_dir: Path) -> None:
        """Take up the state that `save` wrote, if it did."""
        if (path := run_dir / _RESUME_FILE).exists():
            state = load(path)
            self.learner.load_state_dict(state["learner"])
            self.replay.load_state_dict(state["replay"])
            self.generator.set_state(state["generator"])
            self.epochs = state["epochs"]

    def _step(self, rows: Tensor) -> Tensor:
        """Learn from these rows of the dataset and from other examples beside them; returns the loss."""
        mixed, targets = self.replay.batch(self.training_set.dataset.images[rows], self.generator)
        others = self._others()
        logits = self.learner.forward(torch.cat([mixed, augmented(others.images, self.of_others, self.generator)]))
        of_dataset, of_others = logits.split([len(mixed), len(others)])
        loss = len(mixed) * distillation_loss(of_dataset, targets, self.recipe.temperature, self.config.known_weight)
        if len(others):
            loss = loss + len(others) * loss_of(of_others, others.allowed, others.soft_targets, self.config)
        loss = loss / len(logits)
        self.learner.learn(loss)
        return loss.detach()

    def _others(self) -> Examples:
        everything, recipe = self.training_set, self.recipe
        return joined(
            drawn(everything.photos, recipe.photos_per_batch, self.generator, self.photo_chances),
            drawn(everything.shop_pictures, recipe.shop_pictures_per_batch, self.generator),
            drawn(self.negatives, recipe.negatives_per_batch, self.generator),
        )

    def _normalized(self, images: Tensor) -> Tensor:
        return normalize(images, DATASETS[self.config.dataset]).contiguous(memory_format=torch.channels_last)


def _with_soft_targets(
    training_set: TrainingSet, distillation: Distillation, teachers: Sequence[nn.Module]
) -> TrainingSet:
    """The training set on the device; shop pictures get the teachers' probabilities for the images that they show."""
    parts = {name: on_device(part, distillation.device) for name, part in vars(training_set).items()}
    shop_pictures = parts["shop_pictures"]
    shown = parts["dataset"].images[: len(shop_pictures)]
    if len(shown):
        dataset = DATASETS[distillation.config.dataset]
        answers = [soft_targets(teachers, normalize(part, dataset), 1.0) for part in shown.split(VALIDATION_BATCH)]
        parts["shop_pictures"] = replace(shop_pictures, soft_targets=torch.cat(answers))
    return TrainingSet(**parts)
