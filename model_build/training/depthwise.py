"""Depthwise convolutions in bfloat16 that CPUs also train fast: 5x5 weight gradients by kernels of 3x3.

PyTorch's gradient of a 5x5 depthwise convolution for its weights takes ten times as long as the convolution, in
bfloat16 thirty times; that of a 3x3 one takes as long as the convolution. Every weight of 5x5 lies in one of four 3x3
windows, at two rows and two columns of shift; and the gradient for the features is a convolution with turned weights.
"""

from typing import Any, Final

import torch
from torch import Tensor, nn

_FAST: Final = 3  # the side of kernels whose gradient is fast
_gradients = torch.ops.aten.convolution_backward


class Depthwise(nn.Conv2d):
    """A depthwise convolution with odd, square kernels; in bfloat16 within `torch.autocast`, else as ever."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name is PyTorch's
        return convolved(input, self.weight, self) if torch.is_autocast_enabled("cpu") else super().forward(input)


def convolved(features: Tensor, weights: Tensor, settings: nn.Conv2d) -> Tensor:
    """bfloat16 (N, C, height, width) by `weights` (C, 1, side, side), without a bias; of `settings` the stride."""
    with torch.autocast("cpu", enabled=False):
        result: Tensor = _Convolution.apply(features, weights, settings.stride[0])
    return result


class _Convolution(torch.autograd.Function):
    """Features and weights to features, both in bfloat16."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor, stride: int) -> Tensor:
        features = features.bfloat16()
        ctx.save_for_backward(features, weights)
        ctx.stride = stride
        return _same(features, weights.bfloat16(), stride)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        features, weights = ctx.saved_tensors
        gradient = gradient.bfloat16().contiguous(memory_format=torch.channels_last)
        of_features, of_weights, _ = ctx.needs_input_grad
        return (
            _features_gradient(gradient, features, weights, ctx.stride) if of_features else None,
            _weights_gradient(gradient, features, weights, ctx.stride) if of_weights else None,
            None,
        )


def _same(features: Tensor, weights: Tensor, stride: int) -> Tensor:
    return nn.functional.conv2d(features, weights, None, stride, weights.shape[2] // 2, groups=len(weights))


def _features_gradient(gradient: Tensor, features: Tensor, weights: Tensor, stride: int) -> Tensor:
    if stride == 1:
        return _same(gradient, weights.bfloat16().flip(2, 3), 1)
    # With a stride, the kernel in float32 is the fast one.
    sides = [stride] * 2, [weights.shape[2] // 2] * 2, [1] * 2, False, [0] * 2, len(weights)
    found: Tensor = _gradients(gradient.float(), features.float(), weights, None, *sides, (True, False, False))[0]
    return found.bfloat16()


def _weights_gradient(gradient: Tensor, features: Tensor, weights: Tensor, stride: int) -> Tensor:
    side = weights.shape[2]
    window = weights[:, :, :_FAST, :_FAST].bfloat16().contiguous()
    if side == _FAST:
        return _raw(gradient, features, window, stride, _FAST // 2).float()
    rows, columns = (stride * (size - 1) + _FAST for size in gradient.shape[2:])
    padded = _padded(features, side // 2)
    found = torch.empty_like(weights)
    for top in range(0, side - _FAST + 1, 2):
        for left in range(0, side - _FAST + 1, 2):
            seen = padded[:, :, top : top + rows, left : left + columns].contiguous(memory_format=torch.channels_last)
            found[:, :, top : top + _FAST, left : left + _FAST] = _raw(gradient, seen, window, stride, 0)
    return found


def _raw(gradient: Tensor, features: Tensor, weights: Tensor, stride: int, padding: int) -> Tensor:
    """PyTorch's own gradient for the weights."""
    sides = [stride] * 2, [padding] * 2, [1] * 2, False, [0] * 2, len(weights)
    found: Tensor = _gradients(gradient, features, weights, None, *sides, (False, True, False))[1]
    return found


def _padded(features: Tensor, margin: int) -> Tensor:
    """With zeros around, channels last, which `nn.functional.pad` would lose."""
    count, channels, height, width = features.shape
    padded = features.new_zeros((count, height + 2 * margin, width + 2 * margin, channels))
    padded[:, margin:-margin, margin:-margin] = features.permute(0, 2, 3, 1)
    return padded.permute(0, 3, 1, 2)
