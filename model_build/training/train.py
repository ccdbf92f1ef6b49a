"""Train the network in two cycles: from scratch, then fine-tuning with shop pictures and soft targets."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.training_set import (
    Examples,
    TrainingSet,
    fine_tuning_epochs,
    load_training_set,
    planned_epochs,
)
from model_build.progress import track
from model_build.run_files import BEST_WEIGHTS_FILE, FINE_TUNED_WEIGHTS_FILE, training_alone
from model_build.training.augmentation import augment
from model_build.training.checkpoint import (
    Epoch,
    Stateful,
    begin_run,
    best_network,
    load_state,
    restore_state,
    save_state,
    save_weights,
)
from model_build.training.loss import loss_of
from model_build.training.network import build_network
from model_build.training.validation import logits_of, validate

log = logging.getLogger(__name__)


def train(run_dir: Path, config: Config) -> None:
    """Train on the training split; write the weights that validated best, and the history.

    A second cycle fine-tunes with shop pictures, if the dataset has any. Half of an image's target are then the
    probabilities of the best weights so far (T. Furlanello et al., "Born-Again Neural Networks", arXiv 1805.04770).
    Its last weights are written to a file of their own.

    An interrupted run in `run_dir` resumes after its last whole epoch. Raises OtherConfiguration if it was started with
    another `config`, and RunError if another process trains it.
    """
    with training_alone(run_dir):
        begin_run(run_dir, config)
        run = _Run(config, load_training_set(config))
        run.resume(run_dir)
        for epoch in range(len(run.history), planned_epochs(config)):
            run.advance(epoch, run_dir)


class _Run:
    """The state that changes while training."""

    def __init__(self, config: Config, training_set: TrainingSet) -> None:
        torch.manual_seed(config.seed)
        self.config, self.training_set = config, training_set
        self.dataset = DATASETS[config.dataset]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = build_network(config).to(self.device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=moving_average(config.averaging_decay), use_buffers=True
        )
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=config.peak_learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=True,
        )
        self.schedule = self._cycle(fine_tuning=False)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.history: list[Epoch] = []

    def _cycle(self, *, fine_tuning: bool) -> torch.optim.lr_scheduler.OneCycleLR:
        """L. Smith and N. Topin, "Super-Convergence", arXiv 1708.07120."""
        config = self.config
        examples = len(self.training_set.epoch(config, torch.Generator(), fine_tuning=fine_tuning))
        epochs = fine_tuning_epochs(config) if fine_tuning else config.epochs
        rate = config.fine_tuning_learning_rate if fine_tuning else config.peak_learning_rate
        steps = epochs * -(-examples // config.batch_size)
        return torch.optim.lr_scheduler.OneCycleLR(self.optimizer, rate, steps, pct_start=config.warmup_share)

    def resume(self, run_dir: Path) -> None:
        """Restore the state of an interrupted run in `run_dir`, if there is one."""
        state = load_state(run_dir)
        if state is None:
            return
        if len(state["history"]) > self.config.epochs:
            self._begin_fine_tuning(run_dir)
        self.history = restore_state(state, self._parts(), self.generator)
        log.info("resuming after epoch %d", len(self.history))

    def advance(self, epoch: int, run_dir: Path) -> None:
        """Learn for one epoch, validate, and save the state of the run."""
        start = time.perf_counter()
        fine_tuning = epoch >= self.config.epochs
        if epoch == self.config.epochs:
            self._begin_fine_tuning(run_dir)
        train_loss = self._learn(f"epoch {epoch + 1}", fine_tuning=fine_tuning)
        row = Epoch(
            epoch,
            float(self.schedule.get_last_lr()[0]),
            train_loss,
            *validate(self.averaged.eval(), self.training_set, self.config, self._on_device),
            seconds=time.perf_counter() - start,
        )
        is_best = row.validation_accuracy >= max((past.validation_accuracy for past in self.history), default=0.0)
        self.history.append(row)
        _log_epoch(row)
        if fine_tuning or is_best:
            file = FINE_TUNED_WEIGHTS_FILE if fine_tuning else BEST_WEIGHTS_FILE
            save_weights(run_dir / file, self.averaged.module)
        save_state(run_dir, self._parts(), self.generator, self.history)

    def _begin_fine_tuning(self, run_dir: Path) -> None:
        """Start the second cycle, with the best network of the first as the teacher."""
        self.schedule = self._cycle(fine_tuning=True)
        teacher = best_network(run_dir, self.config).to(self.device).eval()

        def answers(images: Tensor) -> Tensor:
            logits: Tensor = teacher(images)
            return (logits + teacher(images.flip(-1))) / 2 if self.dataset.mirrored_is_same else logits

        logits = logits_of(answers, self.training_set.dataset, self._on_device)
        self.training_set = self.training_set.with_soft_targets(logits[:, :-1].softmax(dim=1))

    def _parts(self) -> Mapping[str, Stateful]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    def _learn(self, description: str, *, fine_tuning: bool) -> float:
        self.network.train()
        examples = self.training_set.epoch(self.config, self.generator, fine_tuning=fine_tuning)
        batches = torch.arange(len(examples)).split(self.config.batch_size)
        losses = [self._step(examples[batch]) for batch in track(batches, description)]
        return sum(losses) / len(losses)

    def _step(self, batch: Examples) -> float:
        images = augment(batch.images, self.config, mirror=self.dataset.mirrored_is_same, generator=self.generator)
        with mixed_precision(self.device):
            logits = self.network(self._on_device(images))
        allowed, soft_targets = batch.allowed.to(self.device), batch.soft_targets.to(self.device)
        loss = loss_of(logits.float(), allowed, soft_targets, self.config)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)
        return loss.item()

    def _on_device(self, images: Tensor) -> Tensor:
        return normalize(images.to(self.device), self.dataset).contiguous(memory_format=torch.channels_last)


def moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Exponential moving average whose decay grows to `decay`, so that a short run is not held back by its start."""

    def update(averaged: Any, current: Any, count: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(averaged, current, count)

    return update


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where the processor multiplies it fast: two to three times as fast there, far slower elsewhere."""
    fast = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def _log_epoch(row: Epoch) -> None:
    log.info(
        "epoch %d: train loss %.4f, validation %.2f %%, photos %.1f %%, shop pictures %.1f %%, known AUROC %.3f",
        row.epoch + 1,
        row.train_loss,
        100 * row.validation_accuracy,
        100 * row.photo_accuracy,
        100 * row.shop_picture_accuracy,
        row.known_auroc,
    )
