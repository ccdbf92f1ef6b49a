"""Training images in, the best weights and the history of how they came about out."""

import csv
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model_build.augment import augment
from model_build.config import Config
from model_build.data import DATASETS, Dataset, LabelledImages, Splits, load
from model_build.network import Network, build_network
from model_build.progress import track

BEST_FILE: Final = "best.pt"
HISTORY_FILE: Final = "history.csv"
_RESUME_FILE: Final = "resume.pt"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """One row of the history; the accuracies are shares, 0 to 1."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def train(run_dir: Path, config: Config) -> None:
    """Train on the training split; leave the weights that did best on the validation split, and the history.

    An interrupted run in `run_dir` goes on after its last whole epoch. Raises ValueError if that run was
    started with another configuration.
    """
    if (run_dir / _RESUME_FILE).exists() and Config.load(run_dir) != config:
        raise ValueError(f"{run_dir} holds a run with another configuration: choose another --run, or delete it")
    config.save(run_dir)
    run = _Run(config, load(config))
    run.resume(run_dir)
    for epoch in range(len(run.history), config.epochs):
        run.advance(epoch, run_dir)


def trained_network(run_dir: Path, config: Config) -> Network:
    """The best weights of the run in `run_dir`, in a network that is ready for inference."""
    network = build_network(config)
    network.load_state_dict(torch.load(run_dir / BEST_FILE, weights_only=True))
    return network.eval()


def normalize(images: Tensor, dataset: Dataset) -> Tensor:
    """uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) with mean 0 and deviation 1 over the training set."""
    return (images.unsqueeze(1).float() - dataset.mean) / dataset.deviation


class _Run:
    """Everything that changes while training, and how it is kept and taken up again."""

    def __init__(self, config: Config, splits: Splits) -> None:
        torch.manual_seed(config.seed)
        self.config, self.splits = config, splits
        self.dataset = DATASETS[config.dataset]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = build_network(config).to(self.device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=_moving_average(config.averaging_decay), use_buffers=True
        )
        steps = config.epochs * -(-len(splits.train) // config.batch_size)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=config.peak_learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=True,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.peak_learning_rate, steps, pct_start=config.warmup_share
        )
        self.generator = torch.Generator().manual_seed(config.seed)
        self.history: list[Epoch] = []

    def advance(self, epoch: int, run_dir: Path) -> None:
        """Learn for one epoch, validate, and write down where the run stands."""
        start = time.perf_counter()
        train_loss = self._learn(f"epoch {epoch + 1}/{self.config.epochs}")
        loss, accuracy = self._validate()
        is_best = accuracy >= max((row.validation_accuracy for row in self.history), default=0.0)
        row = Epoch(
            epoch, float(self.schedule.get_last_lr()[0]), train_loss, loss, accuracy, time.perf_counter() - start
        )
        self.history.append(row)
        log.info("epoch %d: train loss %.4f, validation accuracy %.2f %%", epoch + 1, train_loss, 100 * accuracy)
        if is_best:
            _replace(run_dir / BEST_FILE, lambda path: torch.save(self.averaged.module.state_dict(), path))
        _replace(run_dir / HISTORY_FILE, lambda path: _write_history(path, self.history))
        _replace(run_dir / _RESUME_FILE, lambda path: torch.save(self._state(), path))

    def resume(self, run_dir: Path) -> None:
        """Take up the state of an interrupted run in `run_dir`, if there is one."""
        if not (run_dir / _RESUME_FILE).exists():
            return
        state = torch.load(run_dir / _RESUME_FILE, weights_only=True, map_location="cpu")
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

    def _learn(self, description: str) -> float:
        self.network.train()
        order = torch.randperm(len(self.splits.train), generator=self.generator)
        losses = [
            self._step(self.splits.train[chosen]) for chosen in track(order.split(self.config.batch_size), description)
        ]
        return sum(losses) / len(losses)

    def _step(self, batch: LabelledImages) -> float:
        images = augment(batch.images, self.config, mirror=self.dataset.mirrored_is_same, generator=self.generator)
        with _mixed_precision(self.device):
            logits = self.network(self._on_device(images))
            loss = nn.functional.cross_entropy(logits, batch.labels.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)
        return loss.item()

    def _validate(self) -> tuple[float, float]:
        self.averaged.eval()
        images, labels = self.splits.validation.images, self.splits.validation.labels
        with torch.inference_mode():
            logits = torch.cat([self.averaged(self._on_device(part)).cpu() for part in images.split(1_000)])
        accuracy = (logits.argmax(1) == labels).float().mean().item()
        return nn.functional.cross_entropy(logits, labels).item(), accuracy

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
