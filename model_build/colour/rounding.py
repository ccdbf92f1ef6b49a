"""Quantization-aware training: the network computes with weights rounded as in the int8 file.

B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877): batch normalization is folded into the weights before they are rounded, gradients pass as if nothing were.
Activations stay as they are: rounding them costs a twentieth of what rounding the weights to 7 bits costs.
"""

from typing import Final, cast

import torch
from torch import Tensor, nn

from model_build.training.depthwise import convolved

_WEIGHT_STEPS: Final = 64  # to each side of 0: 7 bits, as `release.quantize` has them


def round_weights(network: nn.Module) -> None:
    """Make `network` compute with rounded weights from now on; its state keeps those that are not rounded."""
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            module.__class__ = _RoundedConvolution
        elif isinstance(module, nn.Conv2d) and module.bias is not None:  # no normalization follows
            module.__class__ = _RoundedLayer


class _RoundedLayer(nn.Conv2d):
    """A convolution with a bias, such as that of the classes."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name is PyTorch's
        return _convolved(input, _rounded(self.weight), cast("Tensor", self.bias), self)


class _RoundedConvolution(nn.Sequential):
    """A convolution and its batch normalization as one, and ReLU6 if there is one."""

    def forward(self, features: Tensor) -> Tensor:
        convolution, norm = cast("nn.Conv2d", self[0]), cast("nn.BatchNorm2d", self[1])
        scale = norm.weight / (cast("Tensor", norm.running_var) + norm.eps).sqrt()
        weights = _rounded(convolution.weight * scale[:, None, None, None])
        bias = norm.bias - cast("Tensor", norm.running_mean) * scale
        found = _convolved(features, weights, bias, convolution)
        return nn.functional.relu6(found) if len(self) > 2 else found


def _convolved(features: Tensor, weights: Tensor, bias: Tensor, settings: nn.Conv2d) -> Tensor:
    if settings.groups > 1 and torch.is_autocast_enabled("cpu"):
        return convolved(features, weights, settings) + bias.bfloat16()[:, None, None]
    stride, padding = cast("tuple[int, int]", settings.stride), cast("tuple[int, int]", settings.padding)
    return nn.functional.conv2d(features, weights, bias, stride, padding, groups=settings.groups)


def _rounded(weights: Tensor) -> Tensor:
    """(channels, ...) float32 at 129 levels for each channel; the gradient passes through."""
    scales = weights.detach().abs().amax(dim=(1, 2, 3)).clamp(min=1e-8) / _WEIGHT_STEPS
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weights, scales, zeros, 0, -_WEIGHT_STEPS, _WEIGHT_STEPS)
