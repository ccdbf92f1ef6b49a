"""Teacher network: a wide ResNet with squeeze-and-excitation, normalized images (N, 1, 28, 28) to logits (N, 10)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from model_build.training.network import ResidualBlock

_SQUEEZE = 16  # channels for each of the inner layer
_DROPOUT = 0.2


class SqueezeAndExcitation(nn.Module):
    """Weigh the channels by what the whole image shows (J. Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // _SQUEEZE, 1)
        self.excite = nn.Conv2d(channels // _SQUEEZE, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        mean = features.mean((2, 3), keepdim=True)
        weighed: Tensor = features * self.excite(torch.relu(self.squeeze(mean))).sigmoid()
        return weighed


class WeighedBlock(ResidualBlock):
    """A residual block whose branch is weighed by squeeze-and-excitation."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, stride)
        self.weigh = SqueezeAndExcitation(channels_out)

    def forward(self, features: Tensor) -> Tensor:
        inner = self.second(torch.relu(self.first(features)))
        return torch.relu(self.weigh(inner) + self.shortcut(features))


class Teacher(nn.Module):
    """A stem, `blocks` blocks for each of `widths`, global average pooling, a linear layer."""

    def __init__(self, widths: tuple[int, ...], blocks: int, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]))
        self.stages = nn.Sequential(*_blocks(widths, blocks))
        self.dropout = nn.Dropout(_DROPOUT)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stages(torch.relu(self.stem(images)))
        logits: Tensor = self.head(self.dropout(features.mean((2, 3))))
        return logits


def _blocks(widths: tuple[int, ...], blocks: int) -> Iterator[WeighedBlock]:
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            yield WeighedBlock(channels, width, stride=2 if stage and block == 0 else 1)
            channels = width
