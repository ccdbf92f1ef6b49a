"""A training run that can be interrupted: it saves its state now and then, and goes on from what it saved."""

import math
import time
from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch

from model_build.config import Config
from model_build.distillation.learner import Learner
from model_build.distillation.replay import Replay
from model_build.run_files import FINE_TUNED_WEIGHTS_FILE, replace, save_config
from model_build.training.checkpoint import save_weights


class InterruptibleRun(ABC):
    """The state that changes while a student learns, in units: epochs or steps."""

    resume_file: ClassVar[str]
    unit: ClassVar[str]  # also the name of `done` in the file
    units_between_saves: ClassVar[int]

    def __init__(
        self, config: Config, learner: Learner, replay: Replay, generator: torch.Generator, units: int
    ) -> None:
        self.config, self.learner, self.replay, self.generator = config, learner, replay, generator
        self.units, self.done = units, 0

    @abstractmethod
    def advance(self) -> None:
        """Learn for one unit, and count it in `done`."""

    def run(self, run_dir: Path, seconds: float = math.inf) -> bool:
        """Go on until all units are done, which makes it True, or until the end of a unit after `seconds`."""
        end = time.monotonic() + seconds
        self._resume(run_dir)
        while self.done < self.units:
            self.advance()
            stop = self.done >= self.units or time.monotonic() > end
            if stop or self.done % self.units_between_saves == 0:
                self.save(run_dir)
            if stop:
                break
        return self.done >= self.units

    def save(self, run_dir: Path) -> None:
        """Write the configuration, the weights, and the state from which the same run goes on."""
        save_config(run_dir, self.config)
        save_weights(run_dir / FINE_TUNED_WEIGHTS_FILE, self.learner.averaged.module)
        state = {
            "learner": self.learner.state_dict(),
            "replay": self.replay.state_dict(),
            "generator": self.generator.get_state(),
            self.unit: self.done,
        }
        replace(run_dir / self.resume_file, partial(torch.save, state))

    def _resume(self, run_dir: Path) -> None:
        if (path := run_dir / self.resume_file).exists():
            state = torch.load(path, weights_only=True, map_location="cpu")
            self.learner.load_state_dict(state["learner"])
            self.replay.load_state_dict(state["replay"])
            self.generator.set_state(state["generator"])
            self.done = state[self.unit]
