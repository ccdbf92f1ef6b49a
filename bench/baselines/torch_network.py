"""Load the network of model_build with saved weights."""

from pathlib import Path

import torch

from model_build.training.network import ExportModel, Network, without_batch_norm


def load(path: Path) -> tuple[ExportModel, float, float]:
    """Return the network, and the scale and zero point of its pixels: (pixel - zero) * scale."""
    saved = torch.load(path)
    network = without_batch_norm(Network(saved["widths"], saved["blocks_per_stage"], saved["classes"]))
    model = ExportModel(network, saved["temperature"], mirror=True)
    model.load_state_dict(saved["weights"])
    return model.eval(), saved["scale"], saved["zero"]
