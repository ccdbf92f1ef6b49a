"""Read the layers of the shipped int8 ONNX file, to build the same network in other runtimes."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bench.models.onnx_forms import unfused

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Quantization:
    """Quantization to unsigned 8-bit integers: real = (stored - zero_point) * scale."""

    scale: float
    zero_point: int

    @property
    def rectifies(self) -> bool:
        """Whether the quantization cannot store negative values; the quantizer then omits the Relu."""
        return self.zero_point == 0


@dataclass(frozen=True)
class Convolution:
    """`stored` weights (out, in, height, width) times `scales` (out,): int8, or float with scales of 1."""

    stored: NDArray[np.int8] | Floats
    scales: Floats
    bias: Floats
    stride: int
    output: Quantization

    @property
    def weights(self) -> Floats:
        weights: Floats = (self.stored * self.scales[:, None, None, None]).astype(np.float32)
        return weights


@dataclass(frozen=True)
class Block:
    """A residual block: two convolutions and a shortcut."""

    first: Convolution
    second: Convolution
    shortcut: Convolution | None  # None: identity
    output: Quantization


@dataclass(frozen=True)
class Layers:
    """The model's parameters, in the order of computation."""

    pixel: Quantization
    stem: Convolution
    blocks: tuple[Block, ...]
    head_weights: Floats  # (classes + 1, channels)
    head_bias: Floats
    temperature: float


def layers_of(model: onnx.ModelProto) -> Layers:
    """Read the layers of an exported model_build.training.network.ExportModel. Raises ValueError for other models."""
    return _Reader(unfused(model).graph).layers()


class _Reader:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._maker = {name: node for node in graph.node for name in node.output}
        self._quantizer = {node.input[0]: node for node in graph.node if node.op_type == "QuantizeLinear"}

    def layers(self) -> Layers:
        every = [self._convolution(node) for node in self._nodes("Conv")]
        stem, *wide = [each for each in every if each.stored.shape[2:] == (3, 3)]
        narrow = iter([each for each in every if each.stored.shape[2:] == (1, 1)])
        sums = [self._output(node) for node in self._nodes("Add")]
        pairs = list(zip(wide[::2], wide[1::2], strict=True))
        blocks = []
        for (first, second), output in zip(pairs, sums, strict=True):
            unchanged = first.stride == 1 and first.stored.shape[0] == first.stored.shape[1]
            blocks.append(Block(first, second, None if unchanged else next(narrow), output))
        (head,), (division,) = self._nodes("Gemm"), self._nodes("Div")
        weights, bias = self._real(head.input[1]), self._real(head.input[2])
        return Layers(self._pixel(), stem, tuple(blocks), weights, bias, float(self._constants[division.input[1]]))

    def _nodes(self, kind: str) -> list[onnx.NodeProto]:
        return [node for node in self._graph.node if node.op_type == kind]

    def _pixel(self) -> Quantization:
        dequantizers = (node for node in self._nodes("DequantizeLinear") if node.input[0] not in self._constants)
        return self._quantization(next(dequantizers))

    def _quantization(self, node: onnx.NodeProto) -> Quantization:
        scale, zero_point = (self._constants[name] for name in node.input[1:3])
        return Quantization(float(scale), int(zero_point))

    def _output(self, node: onnx.NodeProto) -> Quantization:
        """Return the quantization of the output of `node`, or of the Relu after it."""
        (name,) = node.output
        if name not in self._quantizer:
            (name,) = next(other for other in self._nodes("Relu") if other.input[0] == name).output
        return self._quantization(self._quantizer[name])

    def _convolution(self, node: onnx.NodeProto) -> Convolution:
        stored, scales = self._stored(node.input[1])
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        bias = self._real(node.input[2])
        return Convolution(stored, scales, bias, attributes["strides"][0], self._output(node))

    def _stored(self, name: str) -> tuple[NDArray[np.int8] | Floats, Floats]:
        if name in self._constants:
            return self._constants[name], np.ones(len(self._constants[name]), np.float32)
        maker = self._maker[name]
        stored, scales = (self._constants[each] for each in maker.input[:2])
        return stored, np.broadcast_to(scales, len(stored))

    def _real(self, name: str) -> Floats:
        """Return the constant `name`, dequantized along the first axis."""
        stored, scales = self._stored(name)
        real: Floats = (stored * scales.reshape(-1, *[1] * (stored.ndim - 1))).astype(np.float32)
        return real
