"""A network that learns: with its optimizer, its learning rate and the moving average of its weights."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from model_build.distillation.recipe import Recipe
from model_build.training.train import mixed_precision, moving_average


class Learner:
    """One step at a time: `forward`, then `learn` from the loss; `averaged` is the network to keep."""

    def __init__(self, network: nn.Module, recipe: Recipe, learning_rate: float, steps: int, device: torch.device):
        self.device = device
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=moving_average(recipe.averaging_decay), use_buffers=True
        )
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
            fused=device.type == "cuda",
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, learning_rate, steps, pct_start=recipe.warmup_share, cycle_momentum=False
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, outputs) in float32 of normalized images (N, 1, 28, 28)."""
        self.network.train()
        with mixed_precision(self.device):
            logits: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def learn(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }
