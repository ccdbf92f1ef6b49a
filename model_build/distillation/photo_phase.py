"""Photo phase of the student: it learns photos as they are served, and keeps its answers for the dataset's images.

The student as it was is its own teacher on the dataset's images: learning without forgetting (Z. Li and D. Hoiem,
arXiv 1606.09282). Photos, composites and negatives are learned from their labels.
"""

import logging
import math
from copy import deepcopy
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
from model_build.distillation.mixing import mix
from model_build.distillation.photo_views import NONE, ServedViews, composite_views, photo_views, with_shop_pictures
from model_build.distillation.recipe import Recipe
from model_build.distillation.teachers import distillation_loss
from model_build.run_files import RunError, load_config
from model_build.training.checkpoint import trained_network
from model_build.training.loss import loss_of
from model_build.training.network import ExportModel, Network, without_batch_norm
from model_build.training.train import mixed_precision

_CPU: Final = torch.device("cpu")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhotoRecipe:
    """Sizes, length and rates of the photo phase."""

    steps: int = 2_400
    learning_rate: float = 0.001  # at its peak; without batch statistics 0.006 diverges
    dataset_per_batch: int = 128
    photos_per_batch: int = 64
    composites_per_batch: int = 96  # and shop pictures
    negatives_per_batch: int = 16
    composites: int = 8_000
    shop_pictures: int = 20_000
    mixed_share: float = 0.3  # of the dataset's images of a batch
    temperature: float = 2.0  # of both outputs on the dataset's images
    dataset_weight: float = 2.0  # of the loss on the dataset's images, against that on everything else
    known_weight: float = 0.5  # of the loss that asks whether any class is right
    erasing_probability: float = 0.2  # of photos and composites
    averaging_decay: float = 0.995  # per step


@dataclass(frozen=True)
class PhotoExamples:
    """What the photo phase learns from: `dataset` (N, 28, 28) uint8, served views, and negatives (N, 28, 28) uint8."""

    dataset: Tensor
    photos: ServedViews
    composites: ServedViews
    negatives: Tensor


def load_photo_examples(config: Config, recipe: PhotoRecipe) -> PhotoExamples:
    """Load or make everything; making the views takes about 20 minutes on one core."""
    negatives = [
        non_clothing_images(config.non_clothing_negatives, config.seed),
        accessory_images(config.accessory_negatives, config.seed),
    ]
    dataset = load(config).train
    pictured = dataset[: recipe.shop_pictures]
    composites = with_shop_pictures(
        composite_views(recipe.composites), load_shop_pictures(pictured, config.seed).numpy(), pictured.labels.numpy()
    )
    return PhotoExamples(dataset.images, photo_views(), composites, torch.cat(negatives))


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
        self.of_photos = replace(
            config, known_weight=recipe.known_weight, erasing_probability=recipe.erasing_probability
        )
        network = trained_network(source, config)
        self.teacher = _frozen(network)
        rates = Recipe(averaging_decay=recipe.averaging_decay, weight_decay=config.weight_decay)
        learner = Learner(network, rates, recipe.learning_rate, recipe.steps, _CPU)
        super().__init__(config, learner, seeded(config.seed, _CPU), recipe.steps)
        self.losses = [0.0, 0.0]

    def advance(self) -> None:
        """Learn from one batch of everything."""
        recipe = self.recipe
        images = self._of_dataset()
        with torch.inference_mode(), mixed_precision(_CPU):
            targets = (self.teacher.logits(images).float()[:, :-1] / recipe.temperature).softmax(dim=1)
        others = self._others()
        logits = self._logits(torch.cat([images, augmented(others.images, self.of_photos, self.generator)]))
        of_dataset, of_others = logits.split([len(images), len(others)])
        kept = distillation_loss(of_dataset, targets.clone(), recipe.temperature, recipe.known_weight)
        learned = loss_of(of_others, others.allowed, others.soft_targets, self.of_photos)
        loss = recipe.dataset_weight * kept + learned
        if not loss.isfinite():
            raise RunError(f"the photo phase diverged at step {self.done}: choose a lower learning rate")
        self.learner.learn(loss)
        self.done += 1
        self._log(kept.item(), learned.item())

    def _logits(self, images: Tensor) -> Tensor:
        """Logits with the statistics of batch normalization as they were: those of photos would spoil the dataset's."""
        self.learner.network.eval()
        with mixed_precision(_CPU):
            logits: Tensor = self.learner.network(images.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def _of_dataset(self) -> Tensor:
        images, count = self.examples.dataset, self.recipe.dataset_per_batch
        drawn = images[torch.randint(0, len(images), (count,), generator=self.generator)]
        return mix(augmented(drawn, self.config, self.generator), self.recipe.mixed_share, self.generator).images

    def _others(self) -> Examples:
        examples, recipe = self.examples, self.recipe
        photos, of_photos = _drawn(examples.photos, recipe.photos_per_batch, self.generator)
        composites, of_composites = _drawn(examples.composites, recipe.composites_per_batch, self.generator)
        rows = torch.randint(0, len(examples.negatives), (recipe.negatives_per_batch,), generator=self.generator)
        classes = torch.cat([of_photos, of_composites, torch.full((len(rows),), NONE)])
        allowed = nn.functional.one_hot(classes, NONE + 1)[:, :NONE].bool()
        return Examples.without_teacher(torch.cat([photos, composites, examples.negatives[rows]]), allowed)

    def _log(self, kept: float, learned: float) -> None:
        self.losses = [self.losses[0] + kept, self.losses[1] + learned]
        if self.done % self.units_between_saves == 0:
            mean = [loss / self.units_between_saves for loss in self.losses]
            log.info("step %d of %d: dataset %.4f, others %.4f", self.done, self.units, *mean)
            self.losses = [0.0, 0.0]


def _frozen(network: Network) -> ExportModel:
    """What `network` answers now, as the mean over an image and its mirror image."""
    copied = without_batch_norm(deepcopy(network)).to(memory_format=torch.channels_last)
    return ExportModel(copied, temperature=1, mirror=True).eval()


def _drawn(views: ServedViews, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`count` views (N, 28, 28) at random, by the weights of their images, and their classes."""
    rows = torch.multinomial(torch.from_numpy(views.weights), count, replacement=True, generator=generator)
    which = torch.randint(0, views.images.shape[1], (count,), generator=generator)
    return torch.from_numpy(views.images[rows.numpy(), which.numpy()]), torch.from_numpy(views.classes[rows.numpy()])
