"""Convert a shipped int8 ONNX model from channels last to channels first, as a slower truth.

Reverses model_build.release.onnx_layout, including its computation of several pixels at a time.
"""

import copy

import numpy as np
import onnx
from onnx import helper, numpy_helper


def with_channels_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert `model`; one with channels first is returned unchanged."""
    return _Layout(copy.deepcopy(model)).reversed()


class _Layout:
    def __init__(self, source: onnx.ModelProto) -> None:
        self._source, self._nodes = source, source.graph.node
        self._constants = {each.name: numpy_helper.to_array(each) for each in source.graph.initializer}
        self._convolutions = [node for node in self._nodes if _channels_last(node)]
        self._views = self._reshaped_for_convolutions()
        self._same: dict[str, str] = {}  # names of removed outputs: the name of the same values

    def reversed(self) -> onnx.ModelProto:
        nodes = []
        for node in self._nodes:
            if node.output[0] in self._views or (self._convolutions and node.op_type == "Transpose"):
                self._same[node.output[0]] = self._name(node.input[0])
                continue
            kept = self._one_at_a_time(node) if _channels_last(node) else node
            kept.input[:] = [self._name(name) for name in kept.input]
            nodes.append(kept)
        constants = [numpy_helper.from_array(each, name) for name, each in self._constants.items()]
        source = self._source
        graph = helper.make_graph(nodes, source.graph.name, source.graph.input, source.graph.output, constants)
        return helper.make_model(graph, opset_imports=source.opset_import, ir_version=source.ir_version)

    def _reshaped_for_convolutions(self) -> dict[str, int]:
        """Return the number of channels of each tensor reshaped before or after a convolution, by name."""
        read = {node.input[0] for node in self._convolutions}
        made = {node.output[0] for node in self._convolutions}
        reshapes = [node for node in self._nodes if node.op_type == "Reshape"]
        return {
            node.output[0]: int(self._constants[node.input[1]][-1])
            for node in reshapes
            if node.input[0] in made or node.output[0] in read
        }

    def _one_at_a_time(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return the convolution `node` as the standard operator, which computes one pixel at a time."""
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        del attributes["channels_last"]
        reader = next(other for other in self._nodes if node.output[0] in other.input)
        channels = self._views.get(reader.output[0])
        if channels:
            weights = self._constants[node.input[3]][:channels]
            if attributes["strides"] == [1, 1]:  # in rows again, starting at the pixel before the first
                weights = weights.transpose(0, 2, 3, 1).reshape(channels, 1, 3, -1)
                weights = weights[..., weights.shape[3] // 3 - 1 :]
            self._constants[node.input[3]] = np.ascontiguousarray(weights[..., :3])
            for place in (4, 5, 8):  # the channels' scales, zero points and biases
                self._constants[node.input[place]] = self._constants[node.input[place]][:channels]
            attributes |= {"strides": [1, 1], "kernel_shape": [3, 3]}
        return helper.make_node("QLinearConv", node.input, node.output, **attributes)

    def _name(self, name: str) -> str:
        return self._same.get(name, name)


def _channels_last(node: onnx.NodeProto) -> bool:
    return any(each.name == "channels_last" for each in node.attribute)
