"""Checkpoints of a training run: saving and loading weights, history and the state to resume from."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from model_build.config import Config
from model_build.run_files import (
    BEST_WEIGHTS_FILE,
    FINE_TUNED_WEIGHTS_FILE,
    HISTORY_FILE,
    RESUME_FILE,
    RunError,
    load_config,
    replace,
    save_config,
    write_history,
)
from model_build.training.network import Network, build_network


class OtherConfiguration(RunError):
    """A run cannot be resumed, because it was started with another configuration."""


class Stateful(Protocol):
    """A network, an optimizer or a schedule."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


@dataclass(frozen=True)
class Epoch:
    """One row of the history; the accuracies are shares, 0 to 1."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    photo_accuracy: float  # on the validation photos that show one of the classes
    shop_picture_accuracy: float  # on synthetic shop pictures of the validation images
    known_auroc: float  # of the validation images and photos against negatives
    seconds: float


def begin_run(run_dir: Path, config: Config) -> None:
    """Save `config` in `run_dir`. Raises OtherConfiguration if an unfinished run of another one is there."""
    if (run_dir / RESUME_FILE).exists() and load_config(run_dir) != config:
        raise OtherConfiguration(f"{run_dir} holds a run of another configuration: choose another --run, or delete it")
    save_config(run_dir, config)


def save_weights(path: Path, network: nn.Module) -> None:
    replace(path, lambda unfinished: torch.save(network.state_dict(), unfinished))


def save_state(
    run_dir: Path, parts: Mapping[str, Stateful], generator: torch.Generator, history: Sequence[Epoch]
) -> None:
    """Write the history, and everything from which `restore_state` resumes."""
    rows = [asdict(row) for row in history]
    state = {
        **{name: part.state_dict() for name, part in parts.items()},
        "generator": generator.get_state(),
        "history": rows,
    }
    replace(run_dir / HISTORY_FILE, lambda unfinished: write_history(unfinished, rows))
    replace(run_dir / RESUME_FILE, lambda unfinished: torch.save(state, unfinished))


def load(path: Path) -> Any:
    """What `torch.save` wrote to `path`. Raises RunError if the file is damaged."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (EOFError, KeyError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged: delete its folder, and train again") from error


def load_state(run_dir: Path) -> Mapping[str, Any] | None:
    """The state that `save_state` wrote, or None if no epoch of this run has ended."""
    path = run_dir / RESUME_FILE
    return load(path) if path.exists() else None


def restore_state(state: Mapping[str, Any], parts: Mapping[str, Stateful], generator: torch.Generator) -> list[Epoch]:
    """Put `state` into `parts` and `generator`; returns the history so far."""
    for name, part in parts.items():
        part.load_state_dict(state[name])
    generator.set_state(state["generator"])
    return [Epoch(**row) for row in state["history"]]


def best_network(run_dir: Path, config: Config) -> Network:
    """The network of the first cycle's best epoch, ready for inference."""
    return _network(run_dir / BEST_WEIGHTS_FILE, config)


def trained_network(run_dir: Path, config: Config) -> Network:
    """The network of the run in `run_dir`, ready for inference: fine-tuned, once that has begun, or else the best."""
    fine_tuned = run_dir / FINE_TUNED_WEIGHTS_FILE
    return _network(fine_tuned, config) if fine_tuned.exists() else best_network(run_dir, config)


def _network(path: Path, config: Config) -> Network:
    network = build_network(config)
    network.load_state_dict(load(path))
    return network.eval()
