"""Layers in; the same network in PyTorch out, from raw pixels to what the shipped file answers."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from bench.models.layers import Convolution, Floats, Layers
from model_build.training.network import Network, Served, without_batch_norm


class FromPixels(nn.Module):
    """uint8 pixels (N, 1, 28, 28) to probabilities, known and activation maps."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.pixel = layers.pixel
        self.served = Served(_network(layers), layers.temperature, mirror=True)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answers: tuple[Tensor, Tensor, Tensor] = self.served(
            (pixels.float() - self.pixel.zero_point) * self.pixel.scale
        )
        return answers


def _network(layers: Layers) -> Network:
    """Raises ValueError if the layers are not those of `Network`."""
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
    """In the order in which `Network` has its modules."""
    yield layers.stem
    for block in layers.blocks:
        yield from (each for each in (block.first, block.second, block.shortcut) if each)
