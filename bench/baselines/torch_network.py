"""The network of model_build, and the weights that were saved of it."""

from pathlib import Path

import torch

from model_build.training.network import Network, Served, without_batch_norm


def load(path: Path) -> tuple[Served, float, float]:
    """The network, and what scale and zero make of a pixel for it: (pixel - zero) * scale."""
    saved = torch.load(path)
    network = without_batch_norm(Network(saved["widths"], saved["blocks_per_stage"], saved["classes"]))
    served = Served(network, saved["temperature"], mirror=True)
    served.load_state_dict(saved["weights"])
    return served.eval(), saved["scale"], saved["zero"]
