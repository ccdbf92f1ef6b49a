"""A network that learns: with its optimizer, its learning rate and the moving average of its weights."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from model_build.distillation.recipe import Recipe
from model_build.training.train import mixed_precision


class Learner:
    """One step at a time: `forward`, `learn` from the loss, then `follow`; `averaged` is the network to keep.

    A CUDA device can replay `forward` and `learn` as a graph (`repeated`), so the learning rate is a tensor there.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, learning_rate: float, steps: int, device: torch.device):
        self.device, self.recipe, self.peak, self.steps, self.done = device, recipe, learning_rate, steps, 0
        on_gpu = device.type == "cuda"
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.averaged = deepcopy(self.network).requires_grad_(False)
        self._compiled = torch.compile(self.network) if on_gpu else self.network
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=torch.tensor(0.0, device=device) if on_gpu else 0.0,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
            fused=on_gpu,
        )
        self._set_learning_rate()

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, outputs) in float32 of normalized images (N, 1, 28, 28)."""
        self.network.train()
        with mixed_precision(self.device):
            logits: Tensor = self._compiled(images.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def learn(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def follow(self) -> None:
        """Average the weights after a step, and set the learning rate of the next."""
        self.done += 1
        # Grows to the recipe's, so that a short run is not held back by its start.
        decay = min(self.recipe.averaging_decay, self.done / (9 + self.done))
        state, averaged = self.network.state_dict(), self.averaged.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[name] for name in names], [state[name] for name in names], 1 - decay)
        self._set_learning_rate()

    def state_dict(self) -> dict[str, Any]:
        return {**{name: part.state_dict() for name, part in self._parts().items()}, "steps": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.done = state["steps"]
        self._set_learning_rate()

    def _set_learning_rate(self) -> None:
        """A linear warm-up to the peak, then half a cosine to 0."""
        done, warm_up = self.done / self.steps, self.recipe.warmup_share
        rising, falling = done / warm_up, (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2
        rate = self.peak * (rising if done < warm_up else falling)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "averaged": self.averaged, "optimizer": self.optimizer}
