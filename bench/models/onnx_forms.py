"""Convert an int8 ONNX model to standard operators or to float, for other runtimes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from bench.models.channels_first import with_channels_first


def unfused(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace ONNX Runtime's fused operators by standard ones, between dequantizing and quantizing."""
    graph = _Graph(with_channels_first(model))
    for node in graph.source.graph.node:
        match node.op_type:
            case "QLinearConv":
                graph.add_convolution(node)
            case "QLinearAdd":
                graph.add_sum(node)
            case "QGemm":
                graph.add_product(node)
            case _:
                graph.nodes.append(node)
    return graph.model()


def in_float(model: onnx.ModelProto) -> onnx.ModelProto:
    """Dequantize the weights, and remove all rounding between the layers.

    A quantization that cannot store negative values becomes a Relu, which the quantizer had omitted.
    """
    graph = _Graph(unfused(model))
    pixels = _pixels(graph.source.graph)
    for node in graph.source.graph.node:
        match node.op_type:
            case "QuantizeLinear":
                rectifies = not graph.constants[node.input[2]].any()
                graph.add("Relu" if rectifies else "Identity", node.input[:1], node.output[0])
            case "DequantizeLinear" if node.input[0] in graph.constants:
                graph.constants[node.output[0]] = graph.dequantized(node)
            case "DequantizeLinear" if node.input[0] not in pixels:
                graph.add("Identity", node.input[:1], node.output[0])
            case _:
                graph.nodes.append(node)
    return graph.model()


def _pixels(graph: onnx.GraphProto) -> set[str]:
    """Return the names of the 8-bit input, and of what is sliced or concatenated from it."""
    pixels = {graph.input[0].name}
    for node in graph.node:
        if node.op_type in ("Slice", "Concat") and node.input[0] in pixels:
            pixels.add(node.output[0])
    return pixels


class _Graph:
    """Nodes and constants of a new model, made from `source`."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self.source = source
        self.constants = {each.name: numpy_helper.to_array(each) for each in source.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def add_convolution(self, node: onnx.NodeProto) -> None:
        pixels, weights, output, bias = node.input[:3], node.input[3:6], node.input[6:8], node.input[8]
        real = [self._real(pixels), self._real(weights, axis=0), self._real_bias(bias, pixels[1], weights[1])]
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        self._add_quantized(self.add("Conv", real, f"{node.output[0]} real", **attributes), output, node)

    def add_sum(self, node: onnx.NodeProto) -> None:
        real = [self._real(node.input[:3]), self._real(node.input[3:6])]
        self._add_quantized(self.add("Add", real, f"{node.output[0]} real"), node.input[6:8], node)

    def add_product(self, node: onnx.NodeProto) -> None:
        rows, weights, bias = node.input[:3], node.input[3:6], node.input[6]
        real = [self._real(rows), self._real(weights, axis=0), self._real_bias(bias, rows[1], weights[1])]
        self.add("Gemm", real, node.output[0], transB=1)

    def dequantized(self, node: onnx.NodeProto) -> NDArray[np.float32]:
        """Return the constant input of `node`, dequantized along its first axis."""
        stored, scales, zero_points = (self.constants[name] for name in node.input)
        along = (-1, *[1] * (stored.ndim - 1))
        difference = stored.astype(np.float32) - zero_points.astype(np.float32).reshape(along)
        real: NDArray[np.float32] = difference * scales.reshape(along)
        return real

    def model(self) -> onnx.ModelProto:
        """Return the model, checked, without unused constants."""
        source, used = self.source.graph, {name for node in self.nodes for name in node.input}
        constants = [numpy_helper.from_array(each, name) for name, each in self.constants.items() if name in used]
        graph = helper.make_graph(self.nodes, source.name, source.input, source.output, constants)
        standard = [each for each in self.source.opset_import if not each.domain]
        model = helper.make_model(graph, opset_imports=standard, ir_version=self.source.ir_version)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _real(self, quantized: Sequence[str], axis: int = 1) -> str:
        # Numbered: an input of two operators is dequantized for each, as the quantizer does.
        return self.add("DequantizeLinear", quantized, f"{quantized[0]} real {len(self.nodes)}", axis=axis)

    def _real_bias(self, bias: str, *scales: str) -> str:
        """Dequantize a bias, whose scale is the product of the inputs' scales (ONNX, QLinearConv)."""
        scale, zero_point = f"{bias} scale", f"{bias} zero point"
        product = np.prod(np.broadcast_arrays(*(self.constants[name] for name in scales)), axis=0)
        self.constants[scale] = product.astype(np.float32)
        self.constants[zero_point] = np.zeros(product.shape, np.int32)
        return self._real([bias, scale, zero_point], axis=0)

    def _add_quantized(self, real: str, scale_and_zero_point: Sequence[str], node: onnx.NodeProto) -> None:
        self.add("QuantizeLinear", [real, *scale_and_zero_point], node.output[0])
