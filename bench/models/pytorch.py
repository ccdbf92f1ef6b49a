"""Build the network in PyTorch from its layers: raw pixels to the outputs of the shipped file."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from bench.models.layers import Convolution, Floats, Layers
from model_build.training.network import ExportModel, Network, without_batch_norm


class FromPixels(nn.Module):
    """Maps uint8 pixels (N, 1, 28, 28) to probabilities, known and activation maps."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.pixel = layers.pixel
        self.export_model = ExportModel(_network(layers), layers.temperature, mirror=True)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor, Tensor] = self.export_model(
            (pixels.float() - self.pixel.zero_point) * self.pixel.scale
        )
        return outputs


def _network(layers: Layers) -> Network:
    """Build the network. Raises ValueError if the layers are not those of `Network`."""
    widths = tuple(dict.fromkeys(block.second.stored.shape[0] for block in layers.blocks))
    network = without_batch_norm(Network(widths, len(layers.blocks) // len(widths), len(layers.head_bias) - 1))
    places = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for place, layer in zip(places, _convolutions(layers), strict=True):
        _fill(place, layer.weights, layer.bias)
    _fill(network.head, layers.head_weights, layers.head_bias)
    return network.eval()


def _fill(place: nn.Module, weights: Floats, bias: Floats) -> None:
    place.load_state_dict({"weight": torch.from_numpy(weights), "bias": torch.from_numpy(bias)})


def _convolutions(layers: Layers) -> Iterator[Convolution]:
    """Yield the convolutions in the order of the modules of `Network`."""
    yield layers.stem
    for block in layers.blocks:
        yield from (each for each in (block.first, block.second, block.shortcut) if each)
