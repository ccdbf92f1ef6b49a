"""Training images in, the best weights and the history of how they came about out."""

import csv
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.training_set import Examples, Pool, finishing_epochs, load_pool, planned_epochs
from model_build.progress import track
from model_build.training.augmentation import augment
from model_build.training.loss import loss_of
from model_build.training.network import Network, Served, build_network
from model_build.training.validation import logits_of, validate

BEST_FILE: Final = "best.pt"
FINISHED_FILE: Final = "finished.pt"
HISTORY_FILE: Final = "history.csv"
_RESUME_FILE: Final = "resume.pt"

log = logging.getLogger(__name__)


class OtherConfiguration(Exception):
    """A run cannot go on, because it was started with another configuration."""


@dataclass(frozen=True)
class Epoch:
    """One row of the history; the accuracies are shares, 0 to 1."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    photo_accuracy: float  # on the validation photos of known things
    rendered_accuracy: float  # on the validation images, rendered as shop pictures
    known_auroc: float  # of the validation images and photos against those of unknown things
    seconds: float


def train(run_dir: Path, config: Config) -> None:
    """Train on the training split; leave the weights that did best on the validation split, and the history.

    A second cycle has shop pictures as well, if there are any, and learns also from what the first one's best weights
    say (T. Furlanello et al., "Born-Again Neural Networks", arXiv 1805.04770); its last weights are left beside those.
    An interrupted run in `run_dir` goes on after its last whole epoch. Raises OtherConfiguration if that run was
    started with another one.
    """
    if (run_dir / _RESUME_FILE).exists() and Config.load(run_dir) != config:
        raise OtherConfiguration(f"{run_dir} holds a run of another configuration: choose another --run, or delete it")
    config.save(run_dir)
    run = _Run(config, load_pool(config))
    run.resume(run_dir)
    for epoch in range(len(run.history), planned_epochs(config)):
        run.advance(epoch, run_dir)


def trained_network(run_dir: Path, config: Config) -> Network:
    """The network of the run in `run_dir`, ready for inference: of its second cycle, once that has begun."""
    finished = run_dir / FINISHED_FILE
    network = build_network(config)
    network.load_state_dict(
        torch.load(finished if finished.exists() else run_dir / BEST_FILE, weights_only=True, map_location="cpu")
    )
    return network.eval()


class _Run:
    """Everything that changes while training, and how it is kept and taken up again."""

    def __init__(self, config: Config, pool: Pool) -> None:
        torch.manual_seed(config.seed)
        self.config, self.pool = config, pool
        self.dataset = DATASETS[config.dataset]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = build_network(config).to(self.device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=_moving_average(config.averaging_decay), use_buffers=True
        )
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=config.peak_learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=True,
        )
        self.schedule = self._cycle(finishing=False)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.history: list[Epoch] = []

    def _cycle(self, *, finishing: bool) -> torch.optim.lr_scheduler.OneCycleLR:
        """L. Smith and N. Topin, "Super-Convergence", arXiv 1708.07120."""
        config = self.config
        examples = len(self.pool.epoch(config, torch.Generator(), finishing=finishing))
        epochs = finishing_epochs(config) if finishing else config.epochs
        rate = config.finishing_learning_rate if finishing else config.peak_learning_rate
        steps = epochs * -(-examples // config.batch_size)
        return torch.optim.lr_scheduler.OneCycleLR(self.optimizer, rate, steps, pct_start=config.warmup_share)

    def advance(self, epoch: int, run_dir: Path) -> None:
        """Learn for one epoch, validate, and write down where the run stands."""
        start = time.perf_counter()
        finishing = epoch >= self.config.epochs
        if epoch == self.config.epochs:
            self._begin_finishing(run_dir)
        train_loss = self._learn(f"epoch {epoch + 1}", finishing=finishing)
        row = Epoch(
            epoch,
            float(self.schedule.get_last_lr()[0]),
            train_loss,
            *validate(self.averaged.eval(), self.pool, self.config, self._on_device),
            seconds=time.perf_counter() - start,
        )
        is_best = row.validation_accuracy >= max((past.validation_accuracy for past in self.history), default=0.0)
        self.history.append(row)
        log.info(
            "epoch %d: train loss %.4f, validation %.2f %%, photos %.1f %%, rendered %.1f %%, known AUROC %.3f",
            epoch + 1,
            train_loss,
            100 * row.validation_accuracy,
            100 * row.photo_accuracy,
            100 * row.rendered_accuracy,
            row.known_auroc,
        )
        if finishing or is_best:
            _replace(
                run_dir / (FINISHED_FILE if finishing else BEST_FILE),
                lambda path: torch.save(self.averaged.module.state_dict(), path),
            )
        _replace(run_dir / HISTORY_FILE, lambda path: _write_history(path, self.history))
        _replace(run_dir / _RESUME_FILE, lambda path: torch.save(self._state(), path))

    def _begin_finishing(self, run_dir: Path) -> None:
        """With the best network so far as the teacher."""
        self.schedule = self._cycle(finishing=True)
        teacher = build_network(self.config)
        teacher.load_state_dict(torch.load(run_dir / BEST_FILE, weights_only=True, map_location="cpu"))
        served = Served(teacher, 1.0, mirror=self.dataset.mirrored_is_same).to(self.device).eval()
        logits = logits_of(served.logits, self.pool.dataset, self._on_device)
        self.pool = self.pool.taught(logits[:, :-1].softmax(dim=1))

    def resume(self, run_dir: Path) -> None:
        """Take up the state of an interrupted run in `run_dir`, if there is one."""
        if not (run_dir / _RESUME_FILE).exists():
            return
        state = torch.load(run_dir / _RESUME_FILE, weights_only=True, map_location="cpu")
        if len(state["history"]) > self.config.epochs:
            self._begin_finishing(run_dir)
        for name, part in self._stateful().items():
            part.load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.history = [Epoch(**row) for row in state["history"]]
        log.info("going on after epoch %d", len(self.history))

    def _state(self) -> Mapping[str, Any]:
        parts = {name: part.state_dict() for name, part in self._stateful().items()}
        return {**parts, "generator": self.generator.get_state(), "history": [asdict(row) for row in self.history]}

    def _stateful(self) -> Mapping[str, Any]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    def _learn(self, description: str, *, finishing: bool) -> float:
        self.network.train()
        examples = self.pool.epoch(self.config, self.generator, finishing=finishing)
        batches = torch.arange(len(examples)).split(self.config.batch_size)
        losses = [self._step(examples[batch]) for batch in track(batches, description)]
        return sum(losses) / len(losses)

    def _step(self, batch: Examples) -> float:
        images = augment(batch.images, self.config, mirror=self.dataset.mirrored_is_same, generator=self.generator)
        with _mixed_precision(self.device):
            logits = self.network(self._on_device(images))
        loss = loss_of(logits.float(), batch.allowed.to(self.device), batch.taught.to(self.device), self.config)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)
        return loss.item()

    def _on_device(self, images: Tensor) -> Tensor:
        return normalize(images.to(self.device), self.dataset).contiguous(memory_format=torch.channels_last)


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Exponential moving average whose decay grows to `decay`, so that a short run is not held back by its start."""

    def update(averaged: Any, current: Any, count: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(averaged, current, count)

    return update


def _mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where the processor multiplies it fast: two to three times as fast there, far slower elsewhere."""
    fast = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def _write_history(path: Path, history: list[Epoch]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(Epoch.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(row) for row in history)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that an interruption leaves the old one or the new one, never half of one."""
    unfinished = path.with_suffix(path.suffix + ".part")
    write(unfinished)
    unfinished.replace(path)
