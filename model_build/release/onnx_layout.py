"""An int8 ONNX graph in, one that gives the same answers faster out: its channels lie last, as convolutions read them.

ONNX Runtime's own convolution takes channels first and transposes at each one's begin and end; its int8 convolution of
channels last (com.microsoft QLinearConv) looks up the address of nine pixels for each that it makes, which for few
channels takes longer than to multiply them. So several neighbours in a row are made at once, as channels of one.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from handler.contract import IMAGE_SIDE

_FEW: Final = 16  # channels, for which two neighbours at once pay
_PIXELS: Final = 4  # of the image at once: what a 32-bit word holds


def with_channels_last(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model`, as ONNX Runtime fused it, with channels last from its first to its last quantized convolution."""
    model = copy.deepcopy(model)
    graph = _Graph(model)
    for node in model.graph.node:
        match node.op_type:
            case "QLinearConv":
                graph.add_convolution(node)
            case "QLinearAdd":
                graph.add_sum(node)
            case "QLinearConcat":
                graph.add_concatenation(node)
            case _:
                graph.add_other(node)
    return graph.model()


def neighbours_at_once(weights: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """Weights (out, in, 3, 3) to (count * out, in, 3, count + 2), which make `count` pixels of a row as one."""
    channels_out, channels_in, height, width = weights.shape
    wide = np.zeros((count, channels_out, channels_in, height, width + count - 1), np.int8)
    for place in range(count):
        wide[place, ..., place : place + width] = weights
    return wide.reshape(-1, *wide.shape[2:])


def pixels_as_channels(weights: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """Weights (out, 1, 3, 3) to (count * out, count, 3, 3), with which `count` pixels of a row are one."""
    wide = np.pad(neighbours_at_once(weights, count)[:, 0], [(0, 0), (0, 0), (count - 1, count - 1)])
    return wide.reshape(*wide.shape[:2], 3, count).transpose(0, 3, 1, 2).copy()


class _Graph:
    """The nodes and constants of a graph that is made from `source`."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self._source = source
        self._constants = {each.name: numpy_helper.to_array(each) for each in source.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._sides: dict[str, int] = {}  # of what has its channels last
        self._firsts: dict[str, str] = {}  # of these, what was transposed back, by its name before

    def add_convolution(self, node: onnx.NodeProto) -> None:
        image, output, weights = node.input[0], node.output[0], self._constants[node.input[3]]
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute if each.name != "auto_pad"}
        side = self._sides.get(image, IMAGE_SIDE) // attributes["strides"][0]
        small = weights.shape[2:] == (3, 3) and attributes["strides"] == [1, 1]
        if small and weights.shape[1] == 1:
            rows = self._reshaped(image, f"{image} rows", (0, IMAGE_SIDE, -1, _PIXELS))
            self._add_together(node, rows, pixels_as_channels(weights, _PIXELS), attributes)
        elif small and len(weights) <= _FEW and side % 2 == 0:
            attributes |= {"strides": [1, 2], "kernel_shape": [3, 4]}
            self._add_together(node, self._last(image), neighbours_at_once(weights, 2), attributes)
        else:
            self._add_convolved([self._last(image), *node.input[1:]], output, attributes)
        self._sides[output] = side

    def add_sum(self, node: onnx.NodeProto) -> None:
        self._sides[node.output[0]] = self._sides[node.input[0]]
        self._nodes.append(node)

    def add_concatenation(self, node: onnx.NodeProto) -> None:
        """Of images and their mirror images: of numbers that need no rounding, as they have the same scale."""
        scales, zero_points = ({self._constants[name].item() for name in node.input[i::3]} for i in (0, 1))
        if len(scales) == len(zero_points) == 1:
            self._add("Concat", node.input[2::3], node.output[0], axis=0)
        else:
            self._nodes.append(node)

    def add_other(self, node: onnx.NodeProto) -> None:
        node.input[:] = [self._first(name) if name in self._sides else name for name in node.input]
        self._nodes.append(node)

    def model(self) -> onnx.ModelProto:
        """Without the constants that nothing uses any more."""
        source = self._source
        used = {name for node in self._nodes for name in node.input}
        constants = [numpy_helper.from_array(each, name) for name, each in self._constants.items() if name in used]
        graph = helper.make_graph(self._nodes, source.graph.name, source.graph.input, source.graph.output, constants)
        return helper.make_model(graph, opset_imports=source.opset_import, ir_version=source.ir_version)

    def _add_together(
        self, node: onnx.NodeProto, image: str, weights: NDArray[np.int8], attributes: Mapping[str, Any]
    ) -> None:
        """Neighbours in a row as channels of one, made by `weights`; and then side by side."""
        output, channels = node.output[0], len(self._constants[node.input[3]])
        inputs = [image, *node.input[1:]]
        inputs[3] = self._constant(f"{output} weights", weights)
        for place in (4, 5, 8):  # scales, zero points and biases of the channels
            tiled = np.tile(self._constants[inputs[place]], len(weights) // channels)
            inputs[place] = self._constant(f"{output} {place}", tiled)
        together = self._add_convolved(inputs, f"{output} together", attributes)
        self._reshaped(together, output, (0, 0, -1, channels))

    def _add_convolved(self, inputs: Sequence[str], output: str, attributes: Mapping[str, Any]) -> str:
        return self._add("QLinearConv", inputs, output, domain="com.microsoft", channels_last=1, **attributes)

    def _last(self, name: str) -> str:
        if name in self._sides:
            return name
        return self._add("Transpose", [name], f"{name} last", perm=[0, 2, 3, 1])

    def _first(self, name: str) -> str:
        if name not in self._firsts:
            self._firsts[name] = self._add("Transpose", [name], f"{name} first", perm=[0, 3, 1, 2])
        return self._firsts[name]

    def _reshaped(self, name: str, output: str, shape: tuple[int, ...]) -> str:
        return self._add("Reshape", [name, self._constant(f"{output} shape", np.array(shape))], output)

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants[name] = value
        return name

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output
