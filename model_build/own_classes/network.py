"""Networks for any number of classes: EfficientNet-Lite0 from ImageNet's weights, or a small ResNet from scratch."""

from collections.abc import Iterator
from itertools import count
from typing import Final

import torch
from torch import Tensor, nn

from model_build.colour.network import ALL_BLOCKS, MEAN, STD, ColourNetwork
from model_build.own_classes.recipe import LITE0, Recipe
from model_build.run_files import RunError
from model_build.training.network import ResidualBlock, convolution

_DROPOUT: Final = 0.2
# Of an int8 file, beside its weights, as measured; a little more, so that no file is larger than is estimated.
_BYTES_PER_CHANNEL: Final = 9  # scale, zero point and bias of a quantized convolution's channel
_BYTES_PER_CONVOLUTION: Final = 450  # its nodes
_FURTHER_BYTES: Final = 2_000
_CENTRES_OF_A_CLASS: Final = 8  # by which `known` is measured; fewer of many classes
_MOST_CENTRES: Final = 128
OUTLIER_CENTRES: Final = 8  # of each of the two kinds of outliers
_OUTLIER_SHARE: Final = 0.5  # with more of it, images of the classes in another style are refused
_SHORTEST: Final = 6  # blocks of EfficientNet-Lite0 that are worth having
_STAGE_WIDTHS: Final = (1, 2, 4, 6)  # of the stages of a network from scratch, in multiples of the first
_BLOCKS_PER_STAGE: Final = 2
_NARROWEST: Final = 4  # channels of the first stage, and steps in which it grows


class OwnNetwork(nn.Module):
    """Normalized images (N, channels, side, side) to logits (N, K).

    The logits of the classes at each place, averaged: the same as a linear layer after global average pooling, and the
    places are class activation maps (B. Zhou et al., arXiv 1512.04150).
    """

    def __init__(self, features: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(_DROPOUT)
        self.classes = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(self.pooled(images))

    def pooled(self, images: Tensor) -> Tensor:
        """(N, width): the features, averaged over all places."""
        features: Tensor = self.features(images).mean(dim=(2, 3))
        return features

    def logits(self, pooled: Tensor) -> Tensor:
        """(N, K) of pooled features (N, width)."""
        logits: Tensor = self.classes(self.dropout(pooled)[:, :, None, None]).flatten(1)
        return logits

    def activation_maps(self, images: Tensor) -> Tensor:
        """(N, K, places, places)"""
        maps: Tensor = self.classes(self.features(images))
        return maps

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


class Pretrained(nn.Module):
    """The features of EfficientNet-Lite0, whole or cut short, with ImageNet's weights."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        network = ColourNetwork(blocks)
        network.load_pretrained()
        self.stem, self.blocks, self.head = network.stem, network.blocks, network.head
        self.width = len(next(network.head.parameters()))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.stem(images)
        for block in self.blocks:
            features = block(features)
        out: Tensor = self.head(features)
        return out

    def parts(self) -> list[nn.Module]:
        """The stem and the blocks, from the image on."""
        return [self.stem, *self.blocks]


class Small(nn.Module):
    """A small ResNet: its stages halve the image to 6 or 7 places a side."""

    def __init__(self, channels: int, side: int, first_width: int) -> None:
        super().__init__()
        stride, stages = _shape(side)
        widths = [first_width * factor for factor in _STAGE_WIDTHS[:stages]]
        self.stem = nn.Sequential(*_stem(channels, widths[0], stride))
        self.stages = nn.Sequential(*_blocks(widths))
        self.width = widths[-1]

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.stages(self.stem(images))
        return features


def build_network(recipe: Recipe, classes: int) -> OwnNetwork:
    """The largest network of the recipe's kind whose int8 file fits into `max_kib`, with weights to start from.

    Raises RunError if none fits.
    """
    for network in _candidates(recipe, classes):
        if estimated_bytes(network) <= recipe.max_kib * 1024:
            return network
    raise RunError(f"no network for {classes} classes fits into {recipe.max_kib} KiB: raise --max-kib")


def estimated_bytes(network: OwnNetwork) -> int:
    """Of the int8 file: a byte for a weight and a value of a centre, and some for each channel and for the graph."""
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    weights = sum(module.weight.numel() for module in convolutions)
    classes, width = network.classes.out_channels, network.classes.in_channels
    centres = width * (classes * centres_of_a_class(classes) + 2 * OUTLIER_CENTRES)
    channels = sum(module.out_channels for module in convolutions)
    further = _BYTES_PER_CHANNEL * channels + _BYTES_PER_CONVOLUTION * len(convolutions) + _FURTHER_BYTES
    return weights + centres + further


def centres_of_a_class(classes: int) -> int:
    """How many centres `known` is measured by at most, for each of so many classes."""
    return max(1, min(_CENTRES_OF_A_CLASS, _MOST_CENTRES // classes))


def nearest(features: Tensor, centres: Tensor) -> Tensor:
    """(N,): the distance of each of `features` (N, width) to the nearest of `centres` (M, width).

    Of sums of squares rather than products of matrices, whose last bits depend on the processor.
    """
    return (features[:, None] - centres).square().sum(dim=2).amin(dim=1).sqrt()


def strangeness(features: Tensor, centres: Tensor, outlier_centres: Tensor) -> Tensor:
    """(N,): distance to the nearest centre of a class, less a part of that to the nearest one of outliers.

    Y. Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors" (arXiv 2204.06507), with the exposure to
    outliers of D. Hendrycks et al. (arXiv 1812.04606).
    """
    return nearest(features, centres) - nearest(features, outlier_centres) * _OUTLIER_SHARE


def normalized(images: Tensor) -> Tensor:
    """uint8 (N, channels, side, side) to float: the same as dequantizing with an integer zero point."""
    return (images.float() - MEAN) / STD


def _candidates(recipe: Recipe, classes: int) -> Iterator[OwnNetwork]:
    """From the largest on; networks from scratch of all first widths that are multiples of 4."""
    if recipe.architecture == LITE0:
        for blocks in range(ALL_BLOCKS, _SHORTEST - 1, -1):
            features = Pretrained(blocks)
            yield OwnNetwork(features, features.width, classes)
        return
    largest = next(width for width in count(_NARROWEST, _NARROWEST) if not _fits(recipe, classes, width)) - _NARROWEST
    if largest >= _NARROWEST:
        yield _small(recipe, classes, largest)


def _fits(recipe: Recipe, classes: int, first_width: int) -> bool:
    with torch.device("meta"):
        return estimated_bytes(_small(recipe, classes, first_width)) <= recipe.max_kib * 1024


def _small(recipe: Recipe, classes: int, first_width: int) -> OwnNetwork:
    features = Small(recipe.channels, recipe.side, first_width)
    return OwnNetwork(features, features.width, classes)


def _shape(side: int) -> tuple[int, int]:
    """Stride of the stem, and number of stages, for an image of `side` pixels."""
    if side <= 40:
        return 1, 3
    return (2, 4) if side <= 128 else (4, 4)


def _stem(channels: int, width: int, stride: int) -> Iterator[nn.Module]:
    """One convolution that halves the image at most, and another one where it is to be a quarter."""
    yield from (convolution(channels, width, 3, min(stride, 2)), nn.ReLU())
    if stride == 4:
        yield from (convolution(width, width, 3, 2), nn.ReLU())


def _blocks(widths: list[int]) -> Iterator[ResidualBlock]:
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(_BLOCKS_PER_STAGE):
            yield ResidualBlock(channels, width, stride=2 if stage and block == 0 else 1)
            channels = width
