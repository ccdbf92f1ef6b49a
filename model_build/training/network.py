"""Network: normalized images (N, 1, 28, 28) to logits (N, 11), of ten classes and of `known`."""

from collections.abc import Iterator
from typing import Final, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model_build.config import Config

Module = TypeVar("Module", bound=nn.Module)

INFERENCE_BATCH: Final = 100  # images; on a CPU twice as fast as 1,000, whose activations exceed the cache


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (He et al., arXiv 1512.03385, section 3)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(channels_in, channels_out, 3, stride)
        self.second = convolution(channels_out, channels_out, 3, 1)
        unchanged = stride == 1 and channels_in == channels_out
        self.shortcut = nn.Identity() if unchanged else convolution(channels_in, channels_out, 1, stride)

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.first(features))
        return torch.relu(self.second(inner) + self.shortcut(features))


class Network(nn.Module):
    """A small ResNet: a stem, a stage of blocks for each of `widths`, global average pooling, a linear layer.

    The last logit is of `known`: whether the image shows one of the classes.
    """

    def __init__(self, widths: tuple[int, ...], blocks_per_stage: int, classes: int) -> None:
        super().__init__()
        self.stem = convolution(1, widths[0], 3, 1)
        self.stages = nn.Sequential(*_blocks(widths, blocks_per_stage))
        self.head = nn.Linear(widths[-1], classes + 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Output of the last stage for normalized images: (N, the last width, 7, 7)."""
        features: Tensor = self.stages(torch.relu(self.stem(images)))
        return features

    def logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.head(nn.functional.adaptive_avg_pool2d(features, 1).flatten(1))
        return logits

    def activation_maps(self, features: Tensor) -> Tensor:
        """Class activation maps (N, 10, 7, 7): the logits of the classes at each place, before global average pooling.

        B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
        """
        logits = self.head.weight[:-1] @ features.flatten(2)  # (N, 10, 49)
        maps: Tensor = logits.unflatten(2, features.shape[2:])
        return maps

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


class ExportModel(nn.Module):
    """The network with the outputs of the exported file, for normalized images (N, 1, 28, 28).

    Probabilities (N, 10), `known` (N,), and class activation maps (N, 10, 7, 7).
    """

    def __init__(self, network: Network, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.network.features(images)
        logits = self.network.logits(features)
        probabilities = (logits[:, :-1] / self.temperature).softmax(dim=1)
        return probabilities, logits[:, -1].sigmoid(), self.network.activation_maps(features)


def build_network(config: Config, classes: int = 10) -> Network:
    """The network of `config`, with random weights from PyTorch's global seed."""
    return Network(config.widths, config.blocks_per_stage, classes)


def without_batch_norm(network: Module) -> Module:
    """Fold each batch normalization of `network`, in place, into the convolution before it: the same outputs."""
    network.eval()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            match list(child.children()):
                case [nn.Conv2d() as convolution, nn.BatchNorm2d() as normalization]:
                    setattr(module, name, fuse_conv_bn_eval(convolution, normalization))
    return network


def _blocks(widths: tuple[int, ...], blocks_per_stage: int) -> Iterator[ResidualBlock]:
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks_per_stage):
            yield ResidualBlock(channels, width, stride=2 if stage and block == 0 else 1)
            channels = width


def convolution(channels_in: int, channels_out: int, side: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )
