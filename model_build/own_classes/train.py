"""Train a network for your own classes: a linear layer on frozen features first, then all but the first blocks."""

import logging
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from model_build.colour.rounding import round_weights
from model_build.own_classes.augmentation import alteration, mixed, outlier
from model_build.own_classes.examples import Examples, Part
from model_build.own_classes.inference import INFERENCE_BATCH, logits_of, pick_precision
from model_build.own_classes.linear_layer import fit_linear_layer
from model_build.own_classes.network import OwnNetwork, Pretrained, build_network, normalized
from model_build.own_classes.recipe import SCRATCH, Recipe
from model_build.own_classes.remaining_time import Remaining
from model_build.progress import track
from model_build.release.calibrate import fitted_temperature
from model_build.run_files import BEST_WEIGHTS_FILE, HISTORY_FILE, RESUME_FILE, replace, write_history
from model_build.training.checkpoint import load, save_weights
from model_build.training.depthwise import Depthwise

_FEWEST_STEPS: Final = 20  # of an epoch: a small folder is shown more than once
_PARTS: Final = ("network", "average", "optimizer", "schedule")

log = logging.getLogger(__name__)


def train(run_dir: Path, recipe: Recipe, examples: Examples) -> OwnNetwork:
    """Train, validate after each epoch, write the weights that validated best; an interrupted run resumes.

    Where weights are to be rounded, only epochs with rounded ones count: int8 files of others lose much.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = start_network(recipe, len(examples.labels))
    training = _Training(network, recipe, examples)
    if not training.resume(run_dir / RESUME_FILE):
        if recipe.start_from != SCRATCH:
            fit_linear_layer(network, recipe, examples)
            training.average.load_state_dict(network.state_dict())
        training.validate(run_dir, loss=float("nan"))
    remaining = Remaining(recipe.epochs - training.epoch)
    while training.epoch < recipe.epochs and not training.is_exhausted:
        training.learn_epoch(run_dir)
        log.info("%s", remaining.after_epoch())
    network.load_state_dict(load(run_dir / BEST_WEIGHTS_FILE))
    return network.eval()


def start_network(recipe: Recipe, classes: int) -> OwnNetwork:
    """The network before training: ImageNet's weights, those of another run, or random ones."""
    network = build_network(recipe, classes)
    start = Path(recipe.start_from) / BEST_WEIGHTS_FILE
    if start.is_file():
        _take_weights(network, load(start))
    return network


class _Training:
    """A network, its average, the optimizer, the schedule and the history."""

    def __init__(self, network: OwnNetwork, recipe: Recipe, examples: Examples) -> None:
        self.network, self.recipe, self.examples = network, recipe, examples
        self.average = build_network(recipe, len(examples.labels)).eval()
        for each in (network, self.average):
            _prepare(each)
        self.average.load_state_dict(network.state_dict())
        self.frozen = (
            network.features.parts()[: recipe.frozen_parts] if isinstance(network.features, Pretrained) else []
        )
        for part in self.frozen:
            part.requires_grad_(requires_grad=False)
        self.epoch_steps = max(_FEWEST_STEPS, min(recipe.epoch_images, len(examples.train)) // recipe.batch_size)
        self.history: list[dict[str, float]] = []
        self.steps = 0
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=recipe.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.alter = alteration(recipe)
        self.began = time.perf_counter()

    @property
    def epoch(self) -> int:
        return max(0, len(self.history) - 1)

    @property
    def float_epochs(self) -> int:
        """Epochs before the weights are rounded, of which there is at least one if they are rounded at all."""
        epochs, wanted = self.recipe.epochs, self.recipe.float_epochs
        return epochs if wanted is None else min(wanted, epochs - 1)

    @property
    def is_exhausted(self) -> bool:
        """Whether the last epochs brought nothing."""
        return len(self.history) - 1 - self._best_place() >= self.recipe.patience

    def learn_epoch(self, run_dir: Path) -> None:
        rng, self.began = random.Random(f"{self.recipe.seed} {self.epoch}"), time.perf_counter()
        if self.epoch >= self.float_epochs:
            round_weights(self.network)
            round_weights(self.average)  # it is what is validated
        torch.manual_seed(rng.getrandbits(32))
        drawn = self.examples.train.drawn(self.epoch_steps * self.recipe.batch_size, rng)
        batches = [drawn[start :: self.epoch_steps] for start in range(self.epoch_steps)]
        losses = [self._step(batch, rng) for batch in track(batches, f"epoch {self.epoch + 1}")]
        self.validate(run_dir, loss=float(np.mean(losses)))

    def validate(self, run_dir: Path, loss: float) -> None:
        """Add a row to the history; write it, the state, and the weights if they are the best so far."""
        validation = self.examples.validation
        logits = logits_of(self.average, validation.batches(INFERENCE_BATCH))
        row: dict[str, float] = {
            "epoch": float(len(self.history)),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
            "train_loss": loss,
            "validation_loss": _calibrated_loss(logits, validation.targets),
            "validation_accuracy": (logits.argmax(dim=1) == validation.targets).float().mean().item(),
            "seconds": time.perf_counter() - self.began,
        }
        self.history.append(row)
        if self._best_place() == len(self.history) - 1:
            save_weights(run_dir / BEST_WEIGHTS_FILE, self.average)
        self._save(run_dir)
        log.info(
            "epoch %d: %s, validation %.1f %% of %d images",
            *(row["epoch"], f"loss {loss:.3f}" if row["epoch"] else "before training"),
            *(100 * row["validation_accuracy"], len(validation)),
        )

    def resume(self, path: Path) -> bool:
        if not path.exists():
            return False
        state = load(path)
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.history, self.steps = state["history"], state["steps"]
        return True

    def _save(self, run_dir: Path) -> None:
        parts = {name: getattr(self, name).state_dict() for name in _PARTS}
        state = {**parts, "history": self.history, "steps": self.steps}
        replace(run_dir / HISTORY_FILE, lambda path: write_history(path, self.history))
        replace(run_dir / RESUME_FILE, lambda path: torch.save(state, path))

    def _best_place(self) -> int:
        """Of the history: lowest loss, which is steadier than the accuracy of few images."""
        places = range(len(self.history))
        rounded = [place for place in places if place > self.float_epochs]
        return min(rounded or places, key=lambda place: self.history[place]["validation_loss"])

    def _step(self, places: list[int], rng: random.Random) -> float:
        images, targets = self._batch(self.examples.train, places, rng)
        self.network.train()
        if self.frozen:
            _freeze_statistics(self.network)
        with pick_precision():
            found = self.network(images).float()
        loss = nn.functional.cross_entropy(found, targets, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self._average()
        return float(loss.detach())

    def _batch(self, part: Part, places: list[int], rng: random.Random) -> tuple[Tensor, Tensor]:
        """Altered and normalized images, and probabilities of the classes; all equal for outliers."""
        classes = len(self.examples.labels)
        targets = nn.functional.one_hot(part.targets[places], classes).float()
        images = [self.alter(part.wide_view(place, rng)) for place in places]
        for place in range(len(places)):
            if rng.random() < self.recipe.outlier_share:
                images[place], targets[place] = outlier(images[place], rng), 1 / classes
        batch = normalized(torch.stack(images)).contiguous(memory_format=torch.channels_last)
        return mixed(batch, targets, rng) if rng.random() < self.recipe.mixed_share else (batch, targets)

    def _average(self) -> None:
        self.steps += 1
        decay = min(self.recipe.averaging_decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            pairs = zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True)
            for mean, value in pairs:
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - decay)

    def _groups(self) -> list[dict[str, Any]]:
        """The layer of the classes, and the rest; norms and biases without weight decay."""
        return [
            {"params": [p for p in module.parameters() if p.requires_grad], "lr": rate}
            for module, rate in (
                (self.network.features, self.recipe.learning_rate),
                (self.network.classes, self.recipe.classes_learning_rate),
            )
        ]

    def _rate(self, step: int) -> float:
        """A share of the peak learning rate: a linear rise, then half a cosine."""
        total = self.recipe.epochs * self.epoch_steps
        warmup = max(1.0, self.recipe.warmup_share * total)
        if step < warmup:
            return (step + 1) / warmup
        return 0.01 + 0.99 * (0.5 + 0.5 * float(np.cos(np.pi * min(1, (step - warmup) / max(1, total - warmup)))))


def _calibrated_loss(logits: Tensor, targets: Tensor) -> float:
    """Cross-entropy at the best temperature: label smoothing alone must not look like a loss."""
    return nn.functional.cross_entropy(logits / fitted_temperature(logits, targets), targets).item()


def _prepare(network: OwnNetwork) -> None:
    """Channels last; depthwise convolutions that CPUs train fast."""
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.__class__ = Depthwise


def _freeze_statistics(network: nn.Module) -> None:
    """Batch norm keeps the means and variances of ImageNet: batches are too small for better ones."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _take_weights(network: OwnNetwork, weights: Mapping[str, Tensor]) -> None:
    """Those that fit; a layer of other classes keeps its own, and so do layers of another width, which is reported."""
    own = network.state_dict()
    fitting = {name: each for name, each in weights.items() if name in own and own[name].shape == each.shape}
    network.load_state_dict({**own, **fitting})
    values, taken = (
        sum(each.numel() for name, each in some.items() if name.startswith("features")) for some in (own, fitting)
    )
    if taken < values:
        log.warning(
            "%.0f %% of the weights come from the run, since its network has other widths", 100 * taken / values
        )
