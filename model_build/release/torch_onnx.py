"""Export a PyTorch module to a float ONNX model, and let the model take pixels as they are in an image."""

from collections.abc import Sequence
from typing import Final, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

_OPSET: Final = 20  # old enough for every onnxruntime from 1.17 on


def exported(module: nn.Module, shape: tuple[int, ...], outputs: Sequence[str]) -> onnx.ModelProto:
    """`module` as ONNX: input `normalized` (N, *shape), and `outputs` by these names."""
    program = torch.onnx.export(
        module,
        (torch.zeros(2, *shape),),
        input_names=["normalized"],
        output_names=list(outputs),
        dynamic_shapes=({0: torch.export.Dim("N")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    model = cast("torch.onnx.ONNXProgram", program).model_proto  # only the legacy exporter returns None
    for node in model.graph.node:
        del node.metadata_props[:]  # the exporter's stack traces, longer than the weights
    return model


def with_raw_pixels(model: onnx.ModelProto, mean: int, std: float, name: str) -> onnx.ModelProto:
    """`model`, called `name`, with input `images`, uint8, and normalization before it.

    Normalizing by an integer mean is the same as dequantizing, so that the int8 file can take the pixels as they are:
    (pixel - mean) / std = (pixel - zero_point) * scale.
    """
    graph = model.graph
    constants = [
        numpy_helper.from_array(np.array(1 / std, np.float32), "pixel_scale"),
        numpy_helper.from_array(np.array(mean, np.uint8), "pixel_zero_point"),
    ]
    inputs = ["images", "pixel_scale", "pixel_zero_point"]
    normalize = helper.make_node("DequantizeLinear", inputs, ["normalized"], name="normalize")
    dims = graph.input[0].type.tensor_type.shape.dim
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, [d.dim_param or d.dim_value for d in dims])
    nodes, initializers = [normalize, *graph.node], [*constants, *graph.initializer]
    whole = helper.make_graph(nodes, name, [images], graph.output, initializers)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)
