"""Channels-last layout of an int8 ONNX graph: bit-equal outputs, computed faster.

ONNX Runtime's default int8 convolution takes channels first, and transposes before and after each run. Its int8
convolution with channels last (com.microsoft QLinearConv) looks up the addresses of nine input pixels for each output
pixel. With few channels that takes longer than the multiplications. So several neighbouring pixels of a row are
computed at once, as channels of one pixel.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from handler.contract import IMAGE_SIDE

_FEW: Final = 16  # up to so many channels, two neighbours at once are faster
_PIXELS: Final = 4  # of the image at once: as many as a 32-bit word holds


def with_channels_last(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert `model`, as fused by ONNX Runtime, to channels last from the first to the last quantized convolution."""
    model = copy.deepcopy(model)
    graph = _Graph(model)
    for node in model.graph.node:
        match node.op_type:
            case "QLinearConv":
                graph.add_convolution(node)
            case "QLinearAdd":
                graph.add_sum(node)
            case _:
                graph.add_other(node)
    return graph.model()


def neighbours_at_once(weights: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """Weights (out, in, 3, 3) -> (count * out, in, 3, count + 2), which compute `count` pixels of a row as one."""
    channels_out, channels_in, height, width = weights.shape
    wide = np.zeros((count, channels_out, channels_in, height, width + count - 1), np.int8)
    for place in range(count):
        wide[place, ..., place : place + width] = weights
    return wide.reshape(-1, *wide.shape[2:])


def pixels_as_channels(weights: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """Weights (out, 1, 3, 3) -> (count * out, count, 3, 3), which read and compute `count` pixels of a row as one."""
    wide = np.pad(neighbours_at_once(weights, count)[:, 0], [(0, 0), (0, 0), (count - 1, count - 1)])
    return wide.reshape(*wide.shape[:2], 3, count).transpose(0, 3, 1, 2).copy()


class _Graph:
    """Nodes and constants of the graph that is built from `source`."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self._source = source
        self._constants = {each.name: numpy_helper.to_array(each) for each in source.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._sides: dict[str, int] = {}  # side length of each tensor that has its channels last
        self._channels_first: dict[str, str] = {}  # names of those that were transposed back, by the name before

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
            self._add_together(node, self._with_channels_last(image), neighbours_at_once(weights, 2), attributes)
        else:
            self._add_convolved([self._with_channels_last(image), *node.input[1:]], output, attributes)
        self._sides[output] = side

    def add_sum(self, node: onnx.NodeProto) -> None:
        self._sides[node.output[0]] = self._sides[node.input[0]]
        self._nodes.append(node)

    def add_other(self, node: onnx.NodeProto) -> None:
        node.input[:] = [self._with_channels_first(name) if name in self._sides else name for name in node.input]
        self._nodes.append(node)

    def model(self) -> onnx.ModelProto:
        """The built model, without unused constants."""
        source = self._source
        used = {name for node in self._nodes for name in node.input}
        constants = [numpy_helper.from_array(each, name) for name, each in self._constants.items() if name in used]
        graph = helper.make_graph(self._nodes, source.graph.name, source.graph.input, source.graph.output, constants)
        return helper.make_model(graph, opset_imports=source.opset_import, ir_version=source.ir_version)

    def _add_together(
        self, node: onnx.NodeProto, image: str, weights: NDArray[np.int8], attributes: Mapping[str, Any]
    ) -> None:
        """Compute neighbours as channels of one pixel, with `weights`, then reshape them to be side by side."""
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

    def _with_channels_last(self, name: str) -> str:
        if name in self._sides:
            return name
        return self._add("Transpose", [name], f"{name} last", perm=[0, 2, 3, 1])

    def _with_channels_first(self, name: str) -> str:
        if name not in self._channels_first:
            self._channels_first[name] = self._add("Transpose", [name], f"{name} first", perm=[0, 3, 1, 2])
        return self._channels_first[name]

    def _reshaped(self, name: str, output: str, shape: tuple[int, ...]) -> str:
        return self._add("Reshape", [name, self._constant(f"{output} shape", np.array(shape))], output)

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants[name] = value
        return name

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output
