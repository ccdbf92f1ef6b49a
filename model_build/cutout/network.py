"""The learned cut-out's network: a U-Net with sums for skips and the whole picture's context at its bottom.

Sums of skips, in place of O. Ronneberger's concatenations (arXiv 1505.04597), halve the channels that the convolutions
of the way up read, as A. Chaurasia and E. Culurciello found for LinkNet (arXiv 1707.03718).
"""

from itertools import pairwise
from typing import Final

from torch import Tensor, nn

CHANNELS: Final = (12, 24, 36, 48, 56)  # at 64, 32, 16, 8 and 4 pixels


def _convolution(channels_in: int, channels_out: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


class _Context(nn.Module):
    """Adds to each place what the whole picture shows, then mixes the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.whole = nn.Conv2d(channels, channels, 1)
        self.mix = _convolution(channels, channels, kernel=1)

    def forward(self, features: Tensor) -> Tensor:
        mixed: Tensor = self.mix(features + self.whole(nn.functional.avg_pool2d(features, features.shape[-1])))
        return mixed


class _Up(nn.Module):
    """To twice the side: fewer channels, plus the way down's features of that side."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels_in, channels_out, 1)
        self.joined = _convolution(channels_out, channels_out)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        joined: Tensor = self.joined(nn.functional.interpolate(self.narrow(features), scale_factor=2) + skip)
        return joined


class CutOutNetwork(nn.Module):
    """Normalized pictures (N, 3, 64, 64) to logits (N, 1, 64, 64) of the garment."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(3, CHANNELS[0])
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(wide, wider, stride=2), *([_convolution(wider, wider)] if wider < 56 else []))
            for wide, wider in pairwise(CHANNELS)
        )
        self.context = _Context(CHANNELS[-1])
        self.up = nn.ModuleList(_Up(wider, wide) for wide, wider in reversed(list(pairwise(CHANNELS))))
        self.last = nn.Conv2d(CHANNELS[0], 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        skips = [self.first(pictures)]
        for down in self.down:
            skips.append(down(skips[-1]))
        features = self.context(skips.pop())
        for up in self.up:
            features = up(features, skips.pop())
        logits: Tensor = self.last(features)
        return logits

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


def normalized(images: Tensor) -> Tensor:
    """uint8 (N, 64, 64, 3) -> float32 (N, 3, 64, 64), about -2 to 2; a power of two, so that int8 does the same."""
    return (images.permute(0, 3, 1, 2).float() - 128) / 64
