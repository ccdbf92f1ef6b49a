"""Train the learned cut-out on composites: binary cross-entropy and Dice loss, AdamW, one cycle of learning rates."""

import logging
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, distributed

from model_build.cutout.examples import Examples
from model_build.cutout.network import CutOutNetwork, normalized
from model_build.run_files import replace

WEIGHTS_FILE: Final = "cutout.pt"
_RESUME_FILE: Final = "cutout-resume.pt"
_SAVE_STEPS: Final = 100
_VALIDATION: Final = 500  # of the composites, the last ones
_BRIGHTNESS: Final = 30  # grey levels, added to each channel alike; half of it to each alone

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CutOutConfig:
    """Every number of a run."""

    composites: int = 22_000
    samples: int = 144_000
    batch: int = 96
    peak_learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    average: float = 0.995  # of the weights that are kept, per step
    seed: int = 1

    @property
    def steps(self) -> int:
        return self.samples // self.batch


def train(examples: Examples, run_dir: Path, config: CutOutConfig) -> CutOutNetwork:
    """Train until `config.steps`, from where an earlier call stopped; returns the averaged network."""
    torch.manual_seed(config.seed)
    network = CutOutNetwork().to(memory_format=torch.channels_last)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    resume = run_dir / _RESUME_FILE
    first = _resumed(resume, network, averaged, optimizer)
    rank, processes = (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)
    generator = torch.Generator().manual_seed(1_000_000 * config.seed + 10 * first + rank)
    started = time.monotonic()
    kept: CutOutNetwork = averaged.module  # type: ignore[assignment]  # torch annotates any Module
    for step in range(first, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(step, config)
        loss = _step(network, optimizer, *_batch(examples, config.batch // processes, generator))
        averaged.update_parameters(network)
        if rank == 0 and ((step + 1) % _SAVE_STEPS == 0 or step + 1 == config.steps):
            _save(resume, step + 1, network, averaged, optimizer)
            score = intersection_over_union(kept, examples)
            log.info("step %d: loss %.4f, IoU %.4f, %.0f s", step + 1, loss, score, time.monotonic() - started)
    if rank == 0:
        replace(run_dir / WEIGHTS_FILE, partial(torch.save, kept.state_dict()))
    return kept.eval()


@torch.inference_mode()
def intersection_over_union(network: CutOutNetwork, examples: Examples) -> float:
    """Mean of the last composites, which are not trained on."""
    network.eval()
    images, masks = (torch.from_numpy(each[-_VALIDATION:]) for each in (examples.images, examples.masks))
    found = torch.cat([network(normalized(part))[:, 0] > 0 for part in images.split(100)])
    both, either = ((found & masks).sum((1, 2)), (found | masks).sum((1, 2)))
    return float((both / either.clamp(min=1)).mean())


def _learning_rate(step: int, config: CutOutConfig) -> float:
    warm = min(1.0, (step + 1) / (0.05 * config.steps))
    return config.peak_learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * step / config.steps)) + 1e-5


def _step(network: CutOutNetwork, optimizer: torch.optim.Optimizer, images: Tensor, masks: Tensor) -> float:
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    loss = _loss(logits.float()[:, 0], masks)
    optimizer.zero_grad()
    loss.backward()
    _average_over_processes(network)
    optimizer.step()
    return loss.item()


def _average_over_processes(network: CutOutNetwork) -> None:
    """Processes of one thread train one network together: faster than one process of two threads on a busy machine."""
    if not distributed.is_initialized():
        return
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients]) / distributed.get_world_size()
    distributed.all_reduce(together)
    for gradient, part in zip(gradients, together.split([each.numel() for each in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of the places, and Dice loss of each picture (F. Milletari et al., "V-Net", arXiv 1606.04797)."""
    probabilities = logits.sigmoid()
    both = (probabilities * masks).sum((1, 2))
    dice = 1 - (2 * both + 1) / (probabilities.sum((1, 2)) + masks.sum((1, 2)) + 1)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, masks) + dice.mean()


def _batch(examples: Examples, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random examples, half of them mirrored, in other light."""
    places = torch.randint(len(examples) - _VALIDATION, (count,), generator=generator).numpy()
    images = normalized(torch.from_numpy(examples.images[places]))
    masks = torch.from_numpy(examples.masks[places]).float()
    mirrored = torch.rand(count, generator=generator) < 0.5
    images[mirrored], masks[mirrored] = images[mirrored].flip(-1), masks[mirrored].flip(-1)
    light = (
        torch.randn(count, 1, 1, 1, generator=generator) * 0.5 + torch.randn(count, 3, 1, 1, generator=generator) * 0.25
    )
    jittered = (torch.rand(count, generator=generator) < 0.5).float()[:, None, None, None]
    images = (images + jittered * light * _BRIGHTNESS / 64).clamp(-2, 127 / 64)
    return images.contiguous(memory_format=torch.channels_last), masks


def _save(
    path: Path,
    step: int,
    network: CutOutNetwork,
    averaged: torch.optim.swa_utils.AveragedModel,
    optimizer: torch.optim.Optimizer,
) -> None:
    parts = {"network": network.state_dict(), "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict()}
    replace(path, partial(torch.save, {"step": step, **parts}))


def _resumed(
    path: Path,
    network: CutOutNetwork,
    averaged: torch.optim.swa_utils.AveragedModel,
    optimizer: torch.optim.Optimizer,
) -> int:
    if not path.exists():
        return 0
    stored = torch.load(path, weights_only=True)
    network.load_state_dict(stored["network"])
    averaged.load_state_dict(stored["averaged"])
    optimizer.load_state_dict(stored["optimizer"])
    return int(stored["step"])
