"""Export the learned cut-out to an int8 ONNX file: uint8 pictures (N, 64, 64, 3) to steps of logits (N, 64, 64)."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from handler.inference.cutout import LOGITS_PER_STEP, SIDE
from model_build.cutout.layout import with_channels_last
from model_build.cutout.network import CutOutNetwork
from model_build.release.quantize import fused_model, quantize_file, save_compact
from model_build.release.torch_onnx import exported

_OPSET: Final = 20
_QUANTIZED: Final = ["Add", "AveragePool", "Conv", "GlobalAveragePool", "Relu", "Resize"]
_CENTRE: Final = 128  # the grey level, and the step, that stand for 0
_LEVELS: Final = 64  # grey levels in 1 of the normalized picture


def export(network: CutOutNetwork, pictures: NDArray[np.uint8], target: Path) -> None:
    """Write `network` as int8 to `target`; `pictures` (N, 64, 64, 3) give the ranges of its activations."""
    save_compact(with_channels_last(int8_model(network, pictures)), target)


def int8_model(network: CutOutNetwork, pictures: NDArray[np.uint8]) -> onnx.ModelProto:
    """As `export` writes it, but with channels first within."""
    scaled = (pictures.transpose(0, 3, 1, 2).astype(np.float32) - _CENTRE) / _LEVELS
    with tempfile.TemporaryDirectory() as folder:
        plain, quantized = Path(folder, "plain.onnx"), Path(folder, "qdq.onnx")
        module = network.eval().to(memory_format=torch.contiguous_format)
        onnx.save(exported(module, (3, SIDE, SIDE), ["logits"]), plain)
        quantize_file(plain, quantized, scaled, _QUANTIZED, {"TensorQuantOverrides": _fixed_scales()})
        onnx.save(_with_integer_ends(onnx.load(quantized)), quantized)
        return fused_model(quantized)


def _fixed_scales() -> dict[str, list[dict[str, NDArray[np.generic]]]]:
    """Of the picture and of the logits: they are part of the file's contract."""
    centre = np.array(_CENTRE, np.uint8)
    return {
        "normalized": [{"scale": np.array(1 / _LEVELS, np.float32), "zero_point": centre}],
        "logits": [{"scale": np.array(LOGITS_PER_STEP, np.float32), "zero_point": centre}],
    }


def _with_integer_ends(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the quantization of the picture and the dequantization of the logits: both are integers outside, too."""
    graph = model.graph
    first = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "normalized")
    last = next(node for node in graph.node if node.output[0] == "logits")
    nodes = [node for node in graph.node if node is not first and node is not last]
    ends = [
        helper.make_node("Transpose", ["images"], [first.output[0]], perm=[0, 3, 1, 2]),
        *nodes,
        helper.make_node("Identity", [last.input[0]], ["steps"]),
    ]
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    whole = helper.make_graph(
        ends,
        "cut-out",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [batch, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("steps", TensorProto.UINT8, [batch, 1, SIDE, SIDE])],
        list(graph.initializer),
    )
    return helper.make_model(whole, opset_imports=model.opset_import, ir_version=10)
