"""The channels-last layout of the shipped model computes the same numbers as the plain one."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray

from handler.inference.classifier import MODEL_PATH
from model_build.release.onnx_layout import neighbours_at_once, pixels_as_channels, with_channels_last
from tests.support.channels_first import with_channels_first

pytestmark = pytest.mark.slow

Weights = NDArray[np.int8]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_neighbours_at_once_equal_neighbours_one_by_one(rng: np.random.Generator) -> None:
    weights, image = _int8(rng, 5, 3, 3, 3), _int8(rng, 2, 3, 6, 8)

    together = _convolved(image, neighbours_at_once(weights, 2), stride=(1, 2))

    side_by_side = together.reshape(2, 2, 5, 6, 4).transpose(0, 2, 3, 4, 1).reshape(2, 5, 6, 8)
    np.testing.assert_array_equal(side_by_side, _convolved(image, weights))


def test_pixels_as_channels_equal_pixels_one_by_one(rng: np.random.Generator) -> None:
    weights, image = _int8(rng, 5, 1, 3, 3), _int8(rng, 2, 1, 6, 8)
    rows = image.reshape(2, 6, 2, 4).transpose(0, 3, 1, 2)

    together = _convolved(rows, pixels_as_channels(weights, 4))

    side_by_side = together.reshape(2, 4, 5, 6, 2).transpose(0, 2, 3, 4, 1).reshape(2, 5, 6, 8)
    np.testing.assert_array_equal(side_by_side, _convolved(image, weights))


def test_shipped_layout_has_bit_equal_outputs(rng: np.random.Generator) -> None:
    shipped = onnx.load(MODEL_PATH)
    plain = with_channels_first(shipped)
    assert "Transpose" in _operators(shipped)
    assert "Transpose" not in _operators(plain)
    images = rng.integers(0, 256, (20, 1, 28, 28), np.uint8)

    for found, expected in zip(_outputs(shipped, images), _outputs(plain, images), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_shipped_layout_is_rebuilt_from_plain_one() -> None:
    shipped = onnx.load(MODEL_PATH)
    again = with_channels_last(with_channels_first(shipped))
    assert _operators(again) == _operators(shipped)
    assert _constants(again) == _constants(shipped)


def _int8(rng: np.random.Generator, *shape: int) -> Weights:
    return rng.integers(-64, 64, shape, np.int8)


def _convolved(image: Weights, weights: Weights, stride: tuple[int, int] = (1, 1)) -> NDArray[np.int32]:
    values = torch.from_numpy(image).int(), torch.from_numpy(weights).int()
    convolved: NDArray[np.int32] = torch.nn.functional.conv2d(*values, stride=stride, padding=1).numpy()
    return convolved


def _operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def _constants(model: onnx.ModelProto) -> list[bytes]:
    return sorted(each.raw_data for each in model.graph.initializer)


def _outputs(model: onnx.ModelProto, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return list(ort.InferenceSession(model.SerializeToString(), options).run(None, {"images": images}))
