"""Depthwise convolutions in bfloat16: the same results and gradients as PyTorch's own in float32."""

import pytest
import torch
from torch import Tensor, nn

from model_build.training.depthwise import Depthwise


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [3, 5, 7])
def test_results_and_gradients_are_those_of_float32(side: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = Depthwise(8, 8, side, stride, side // 2, groups=8, bias=False)
    features = torch.randn(2, 8, 14, 12, requires_grad=True)
    expected = nn.functional.conv2d(features, layer.weight, None, stride, side // 2, groups=8)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(features)
    gradient = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, (features, layer.weight), gradient)
    given = torch.autograd.grad(found, (features, layer.weight), gradient.bfloat16())
    assert found.dtype == torch.bfloat16
    assert all(_difference(*pair) < 0.01 for pair in ((found, expected), *zip(given, wanted, strict=True)))


def test_layer_computes_in_float32_outside_autocast() -> None:
    layer = Depthwise(4, 4, 5, padding=2, groups=4, bias=False)
    assert layer(torch.randn(1, 4, 6, 6)).dtype == torch.float32


def _difference(found: Tensor, expected: Tensor) -> float:
    """As a share of what is expected."""
    return float(((found - expected).norm() / expected.norm()).detach())
