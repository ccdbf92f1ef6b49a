"""Train a colour network: fine-tune pretrained weights on labels, or on labels and a teacher's probabilities."""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from model_build.colour.images import NONE, ColourImages, altered, as_served, batch
from model_build.colour.mixing import mixed
from model_build.colour.network import ColourNetwork, normalized
from model_build.colour.recipe import SIDE, Recipe
from model_build.colour.rounding import round_weights
from model_build.colour.sources import Source
from model_build.run_files import replace
from model_build.training.depthwise import Depthwise

WEIGHTS_FILE: Final = "colour.pt"
_RESUME_FILE: Final = "colour-resume.pt"
_VALIDATION_BATCH: Final = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ColourData:
    """What a network is trained on, and what it is validated on."""

    photos: Source
    drawn: Source
    enlarged: Source
    validation: ColourImages


@dataclass(frozen=True)
class Teacher:
    """A trained network, and the side in pixels of the images that it is asked about."""

    network: ColourNetwork
    side: int


def train(run_dir: Path, recipe: Recipe, data: ColourData, teachers: Sequence[Teacher] = ()) -> ColourNetwork:
    """Train, validate after each epoch, write the averaged weights; an interrupted run resumes after its last epoch."""
    run_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = ColourNetwork(recipe.blocks, recipe.size)
    network.load_pretrained()
    _prepare(network, recipe.frozen_parts)
    training = _Training(network, recipe, teachers)
    training.resume(run_dir / _RESUME_FILE)
    for epoch in range(training.epoch, recipe.epochs):
        started = time.monotonic()
        if epoch >= recipe.epochs - recipe.rounded_epochs:
            training.round_weights()
        side = max([recipe.side, *(teacher.side for teacher in teachers)])
        loss = np.mean([training.step(*each) for each in _batches(data, recipe, epoch, side)])
        training.epoch = epoch + 1
        training.save(run_dir)
        accuracy, known = validate(training.average, data.validation, recipe.side)
        log.info(
            "epoch %d: loss %.3f, accuracy %.4f, known and none told apart %.4f, %.0f s",
            *(epoch + 1, loss, accuracy, known, time.monotonic() - started),
        )
    return training.average


def validate(network: ColourNetwork, images: ColourImages, side: int = SIDE) -> tuple[float, float]:
    """Accuracy among the ten classes, and the share of all images that are rightly called known or none."""
    found = logits(network, images, side)
    known = images.classes != NONE
    right = found[known, :NONE].argmax(axis=1) == images.classes[known]
    return float(right.mean()), float(((found.argmax(axis=1) != NONE) == known).mean())


def logits(network: ColourNetwork, images: ColourImages, side: int = SIDE) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(N, 11) of stored images, as they are served."""
    network.eval()
    parts = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(images), _VALIDATION_BATCH):
            part = batch(as_served(image, side) for image in images.images[start : start + _VALIDATION_BATCH])
            parts.append(network(normalized(part)).float().numpy())
    return np.concatenate(parts)


class _Training:
    """A network, its average, the optimizer and the schedule."""

    def __init__(self, network: ColourNetwork, recipe: Recipe, teachers: Sequence[Teacher]) -> None:
        self.network, self.recipe, self.teachers = network, recipe, teachers
        self.average = ColourNetwork(recipe.blocks, recipe.size).eval()
        _prepare(self.average, 0)
        self.average.load_state_dict(network.state_dict())
        self.epoch = 0
        self.steps = 0
        own = [*network.head.parameters(), *network.classes.parameters()]
        pretrained = [p for part in (network.stem, network.blocks) for p in part.parameters() if p.requires_grad]
        groups = [
            {"params": own, "lr": recipe.classes_learning_rate},
            {"params": pretrained, "lr": recipe.learning_rate},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)

    def step(self, images: Tensor, classes: Tensor, photos: Tensor, rng: random.Random) -> float:
        """One batch; `photos` (N,) bool: which of them are photos, which alone teachers are asked about."""
        given, target = normalized(images), self._smoothed(classes)
        if rng.random() < self.recipe.mixed_share:
            given, target = mixed(given, target, photos, rng)
        self.network.train()
        _freeze_statistics(self.network)
        with torch.autocast("cpu", torch.bfloat16):
            found = self.network(_resized(given, self.recipe.side)).float()
            target = self._taught(target, given, photos)
        loss = nn.functional.cross_entropy(found, target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self._average()
        return float(loss.detach())

    def round_weights(self) -> None:
        """From now on, and of the average too: it is what is validated."""
        round_weights(self.network)
        round_weights(self.average)

    def save(self, run_dir: Path) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer", "schedule")}
        state = {**parts, "epoch": self.epoch, "steps": self.steps}
        replace(run_dir / _RESUME_FILE, lambda path: torch.save(state, path))
        replace(run_dir / WEIGHTS_FILE, lambda path: torch.save(parts["average"], path))

    def resume(self, path: Path) -> None:
        if path.exists():
            state = torch.load(path, weights_only=True)
            for name in ("network", "average", "optimizer", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.epoch, self.steps = state["epoch"], state["steps"]

    def _smoothed(self, classes: Tensor) -> Tensor:
        """(N, 11), of which most is the class."""
        hard = nn.functional.one_hot(classes, NONE + 1).float()
        return hard * (1 - self.recipe.label_smoothing) + self.recipe.label_smoothing / (NONE + 1)

    def _taught(self, target: Tensor, given: Tensor, photos: Tensor) -> Tensor:
        """`target` with, for photos, the teachers' probabilities of the same altered images.

        L. Beyer et al., "Knowledge distillation: A good teacher is patient and consistent" (arXiv 2106.05237).
        """
        if not self.teachers:
            return target
        with torch.no_grad():
            answers = [each.network(_resized(given[photos], each.side)).float() for each in self.teachers]
            soft = torch.stack(answers).mean(dim=0).softmax(dim=1)
        target[photos] = torch.lerp(target[photos], soft, self.recipe.teacher_weight)
        return target

    def _average(self) -> None:
        self.steps += 1
        decay = min(self.recipe.averaging_decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                if value.requires_grad:
                    mean.lerp_(value, 1 - decay)

    def _rate(self, step: int) -> float:
        """A share of the peak learning rate: a linear rise, then half a cosine."""
        total = self.recipe.epochs * (self.recipe.epoch_images // self.recipe.batch_size)
        warmup = self.recipe.warmup_share * total
        if step < warmup:
            return (step + 1) / warmup
        return 0.01 + 0.99 * (0.5 + 0.5 * float(np.cos(np.pi * min(1, (step - warmup) / (total - warmup)))))


def _prepare(network: ColourNetwork, frozen_parts: int) -> None:
    """Channels last, depthwise convolutions that CPUs train fast, the first parts without gradients."""
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.__class__ = Depthwise
    for part in [network.stem, *network.blocks][:frozen_parts]:
        part.requires_grad_(requires_grad=False)


def _freeze_statistics(network: ColourNetwork) -> None:
    """Batch norm keeps the means and variances of ImageNet: batches are too small for better ones."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _resized(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    smaller = nn.functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
    return smaller.contiguous(memory_format=torch.channels_last)


def _batches(
    data: ColourData, recipe: Recipe, epoch: int, side: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, random.Random]]:
    """Altered images (N, 3, side, side), their classes, which of them are photos, and what they are mixed by."""
    rng = random.Random(f"{recipe.seed} {epoch}")
    sources = (data.photos, data.drawn, data.enlarged)
    shares = (recipe.photo_share, recipe.drawn_share, 1 - recipe.photo_share - recipe.drawn_share)
    for _ in range(recipe.epoch_images // recipe.batch_size):
        chosen = rng.choices(sources, shares, k=recipe.batch_size)
        images, classes = zip(*(source.drawn(rng) for source in chosen), strict=True)
        photos = torch.tensor([source is data.photos for source in chosen])
        yield batch(altered(image, rng, side) for image in images), torch.tensor(classes), photos, rng
