"""Photo phase of the student: it learns photos as they are served, and goes on learning the dataset from a teacher.

Most of a batch are the dataset's images, mixed, with the answers of a teacher, as the student learned before.
With its own answers as targets (Z. Li and D. Hoiem, "Learning without Forgetting", arXiv 1606.09282) it forgot more.
Photos, composites, shop pictures and negatives are learned from their labels.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from model_build.config import Config
from model_build.datasets.accessories import accessory_images
from model_build.datasets.mnist import load
from model_build.datasets.non_clothing import non_clothing_images
from model_build.datasets.shop_pictures import load_shop_pictures
from model_build.datasets.training_set import Examples
from model_build.distillation.images import augmented, seeded
from model_build.distillation.interruptible import InterruptibleRun
from model_build.distillation.learner import Learner
from model_build.distillation.photo_views import NONE, ServedViews, composite_views, photo_views, with_shop_pictures
from model_build.distillation.recipe import PRESETS, Distillation, Recipe
from model_build.distillation.replay import Replay
from model_build.distillation.teachers import TEACHERS_DIR, distillation_loss, load_teachers
from model_build.run_files import RunError, load_config, require
from model_build.training.checkpoint import trained_network
from model_build.training.loss import loss_of

_CPU: Final = torch.device("cpu")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhotoRecipe:
    """Sizes, length and rates of the photo phase."""

    steps: int = 15_000
    learning_rate: float = 0.03  # at its peak
    dataset_per_batch: int = 208
    asked_share: float = 0.5  # of these; the rest are mixed images of before
    photos_per_batch: int = 8  # few, or the statistics of batch normalization would move away from the dataset's
    composites_per_batch: int = 13  # and shop pictures
    negatives_per_batch: int = 6
    composites: int = 8_000
    shop_pictures: int = 20_000
    temperature: float = 1.5  # of both outputs on the dataset's images
    erasing_probability: float = 0.2  # of photos and composites
    averaging_decay: float = 0.999  # per step


@dataclass(frozen=True)
class PhotoExamples:
    """What the photo phase learns from: the dataset's images and negatives (N, 28, 28) uint8, and served views.

    The dataset's images are learned from the answers of `teachers`.
    """

    dataset: Tensor
    teachers: Sequence[nn.Module]
    photos: ServedViews
    composites: ServedViews
    negatives: Tensor


def load_photo_examples(source: Path, recipe: PhotoRecipe) -> PhotoExamples:
    """Load or make everything: views in about 20 minutes on one core.

    Raises RunError if `source` has no teacher.
    """
    config = load_config(source)
    teachers = require(source, f"{TEACHERS_DIR}/teacher-1.pt", "distil").parent
    negatives = [
        non_clothing_images(config.non_clothing_negatives, config.seed),
        accessory_images(config.accessory_negatives, config.seed),
    ]
    dataset = load(config).train
    pictured = dataset[: recipe.shop_pictures]
    composites = with_shop_pictures(
        composite_views(recipe.composites), load_shop_pictures(pictured, config.seed).numpy(), pictured.labels.numpy()
    )
    loaded = load_teachers(teachers, _distillation(config, recipe))
    return PhotoExamples(dataset.images, loaded, photo_views(), composites, torch.cat(negatives))


def learn_photos(
    run_dir: Path, source: Path, recipe: PhotoRecipe, examples: PhotoExamples, *, seconds: float = math.inf
) -> bool:
    """Write into `run_dir` what the student of `source` is after its photo phase; True once all steps are done.

    Stops after `seconds`. Then, and every few steps, the state is written from which the same call resumes.
    Raises RunError if the loss is no longer a number.
    """
    return _Run(source, recipe, examples).run(run_dir, seconds)


class _Run(InterruptibleRun):
    resume_file, unit, units_between_saves = "photo_phase.pt", "steps", 200

    def __init__(self, source: Path, recipe: PhotoRecipe, examples: PhotoExamples) -> None:
        self.recipe, self.examples = recipe, examples
        config = load_config(source)
        self.of_photos = replace(config, erasing_probability=recipe.erasing_probability)
        rates = Recipe(averaging_decay=recipe.averaging_decay, weight_decay=config.weight_decay)
        network = trained_network(source, config)
        learner = Learner(network, rates, recipe.learning_rate, recipe.steps, _CPU)
        replay = Replay(_distillation(config, recipe), examples.teachers)
        super().__init__(config, learner, replay, seeded(config.seed, _CPU), recipe.steps)
        self.losses = [0.0, 0.0]

    def advance(self) -> None:
        """Learn from one batch of everything."""
        config, recipe = self.config, self.recipe
        images, targets = self._of_dataset()
        others = self._others()
        logits = self.learner.forward(torch.cat([images, augmented(others.images, self.of_photos, self.generator)]))
        of_dataset, of_others = logits.split([len(images), len(others)])
        distilled = distillation_loss(of_dataset, targets, recipe.temperature, config.known_weight)
        learned = loss_of(of_others, others.allowed, others.soft_targets, self.of_photos)
        loss = (len(images) * distilled + len(others) * learned) / len(logits)
        if not loss.isfinite():
            raise RunError(f"the photo phase diverged at step {self.done}: choose a lower learning rate")
        self.learner.learn(loss)
        self.done += 1
        self._log(distilled.item(), learned.item())

    def _of_dataset(self) -> tuple[Tensor, Tensor]:
        images = self.examples.dataset
        rows = torch.randint(0, len(images), (self.recipe.dataset_per_batch,), generator=self.generator)
        return self.replay.batch(images[rows], self.generator)

    def _others(self) -> Examples:
        examples, recipe = self.examples, self.recipe
        photos, of_photos = _drawn(examples.photos, recipe.photos_per_batch, self.generator)
        composites, of_composites = _drawn(examples.composites, recipe.composites_per_batch, self.generator)
        rows = torch.randint(0, len(examples.negatives), (recipe.negatives_per_batch,), generator=self.generator)
        classes = torch.cat([of_photos, of_composites, torch.full((len(rows),), NONE)])
        allowed = nn.functional.one_hot(classes, NONE + 1)[:, :NONE].bool()
        return Examples.without_teacher(torch.cat([photos, composites, examples.negatives[rows]]), allowed)

    def _log(self, distilled: float, learned: float) -> None:
        self.losses = [self.losses[0] + distilled, self.losses[1] + learned]
        if self.done % self.units_between_saves == 0:
            mean = [loss / self.units_between_saves for loss in self.losses]
            log.info("step %d of %d: dataset %.4f, others %.4f", self.done, self.units, *mean)
            self.losses = [0.0, 0.0]


def _distillation(config: Config, recipe: PhotoRecipe) -> Distillation:
    asked = replace(PRESETS["cpu"], asked_share=recipe.asked_share, temperature=recipe.temperature)
    return Distillation(config, asked, _CPU)


def _drawn(views: ServedViews, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`count` views (N, 28, 28) at random, by the weights of their images, and their classes."""
    rows = torch.multinomial(torch.from_numpy(views.weights), count, replacement=True, generator=generator)
    which = torch.randint(0, views.images.shape[1], (count,), generator=generator)
    return torch.from_numpy(views.images[rows.numpy(), which.numpy()]), torch.from_numpy(views.classes[rows.numpy()])
