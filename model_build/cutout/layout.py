"""Channels-last layout of the cut-out's int8 graph: bit-equal outputs in 0.8 of the time.

ONNX Runtime's default int8 convolution takes channels first, and transposes before and after each run. Convolutions
with few channels compute several neighbours of a row at once: see `model_build.release.onnx_layout`.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from model_build.release.onnx_layout import neighbours_at_once


def with_channels_last(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model`, as fused by ONNX Runtime: `images` (N, S, S, 3), transposed by its first node, to `steps` (N, 1, S, S).

    A convolution that computes neighbours at once has strides and dilations of 1.
    """
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    first, *others = model.graph.node
    nodes: list[onnx.NodeProto] = []
    for node in others:
        inputs = [first.input[0] if name == first.output[0] else name for name in node.input]
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "QLinearConv":
            nodes += _convolution(node, inputs, attributes, constants)
            continue
        if node.op_type == "QLinearAveragePool":
            attributes["channels_last"] = 1
        elif node.op_type == "Resize":
            constants[inputs[2]] = np.array([1, 2, 2, 1], np.float32)
        nodes.append(helper.make_node(node.op_type, inputs, node.output, domain=node.domain, **attributes))
    constants["steps shape"] = np.array([0, 1, *(each.dim_value for each in _dims(model)[2:])])
    nodes[-1].output[0] = "steps last"
    nodes.append(helper.make_node("Reshape", ["steps last", "steps shape"], [model.graph.output[0].name]))
    return _built(model, nodes, constants)


def _convolution(
    node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any], constants: dict[str, NDArray[Any]]
) -> list[onnx.NodeProto]:
    output, weights = node.output[0], constants[inputs[3]]
    attributes = {name: value for name, value in attributes.items() if name != "auto_pad"} | {"channels_last": 1}
    count = _at_once(weights) if attributes["strides"] == [1, 1] else 1
    if count == 1:
        return [helper.make_node("QLinearConv", inputs, [output], domain="com.microsoft", **attributes)]
    wide = neighbours_at_once(weights, count)
    constants[f"{output} shape"] = np.array([0, 0, -1, len(weights)])
    inputs[3] = f"{output} weights"
    constants[inputs[3]] = wide
    for place in (each for each in (4, 5, 8) if each < len(inputs)):  # scales, zero points and biases of the channels
        of_channels = constants[inputs[place]]
        inputs[place] = f"{output} {place}"
        constants[inputs[place]] = np.tile(of_channels, count) if of_channels.ndim else of_channels
    attributes |= {"strides": [1, count], "kernel_shape": list(wide.shape[2:])}
    return [
        helper.make_node("QLinearConv", inputs, [f"{output} together"], domain="com.microsoft", **attributes),
        helper.make_node("Reshape", [f"{output} together", f"{output} shape"], [output]),
    ]


def _at_once(weights: NDArray[np.int8]) -> int:
    """How many neighbours are fastest at once, as measured; all sides of the image are multiples of it."""
    channels_out, channels_in, side, _ = weights.shape
    if side == 3 and channels_out <= 16:
        return 4 if channels_in <= 3 else 2
    return 4 if channels_out == 1 else 1


def _dims(model: onnx.ModelProto) -> Any:
    return model.graph.output[0].type.tensor_type.shape.dim


def _built(model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: dict[str, NDArray[Any]]) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used]
    graph = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, tensors)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
