"""Export a colour network to int8 ONNX: raw pixels in, calibrated probabilities out, channels last throughout."""

import copy
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from model_build.colour.network import MEAN, STD, ColourNetwork
from model_build.colour.recipe import SIDE
from model_build.release.quantize import fuse, shorten_names
from model_build.training.network import without_batch_norm

FLOAT_FILE: Final = "colour-float.onnx"
INT8_FILE: Final = "colour.onnx"
_OPSET: Final = 20
_QUANTIZED: Final = ["Add", "Conv", "Clip"]

log = logging.getLogger(__name__)


class _Probabilities(nn.Module):
    """Logits divided by a temperature, as probabilities."""

    def __init__(self, network: ColourNetwork, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return (logits / self.temperature).softmax(dim=1)


def export(run_dir: Path, network: ColourNetwork, temperature: float, calibration: NDArray[np.uint8]) -> Path:
    """Write colour.onnx into `run_dir`, its activations' ranges from `calibration` (N, 160, 160, 3)."""
    plain = ColourNetwork(len(network.blocks))  # of plain convolutions, whatever training has made of its own
    plain.load_state_dict(network.state_dict())
    module = _Probabilities(without_batch_norm(plain), temperature).eval()
    onnx.save(_with_raw_pixels(_exported(module)), run_dir / FLOAT_FILE)
    prepared, qdq, fused = (run_dir / f"colour-{name}.onnx" for name in ("prepared", "qdq", "fused"))
    quant_pre_process(run_dir / FLOAT_FILE, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        qdq,
        _Calibration(calibration),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod.MinMax,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,  # 7 bits, so that sums saturate on no processor
        op_types_to_quantize=_QUANTIZED,
    )
    fuse(qdq, fused)
    model = channels_last(onnx.load(fused))
    shorten_names(model.graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, run_dir / INT8_FILE)
    log.info("%s: %.0f KiB", run_dir / INT8_FILE, (run_dir / INT8_FILE).stat().st_size / 1024)
    return run_dir / INT8_FILE


def channels_last(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model`, as fused by ONNX Runtime, with images (N, side, side, 3): no convolution transposes its input."""
    model = copy.deepcopy(model)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QLinearConv":
            node.domain = "com.microsoft"
            node.attribute.append(helper.make_attribute("channels_last", 1))
        elif node.op_type == "ReduceMean":
            axes = numpy_helper.from_array(np.array([1, 2]), node.input[1])
            constants[node.input[1]].CopyFrom(axes)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, value in zip(dims[1:], (SIDE, SIDE, 3), strict=True):
        dim.dim_value = value
    return model


def _exported(module: nn.Module) -> onnx.ModelProto:
    program = torch.onnx.export(
        module,
        (torch.zeros(2, 3, SIDE, SIDE),),
        input_names=["normalized"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    return cast("torch.onnx.ONNXProgram", program).model_proto


def _with_raw_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put normalization before `model`: (pixel - mean) / std is dequantizing with a zero point of the mean."""
    graph = model.graph
    constants = [
        numpy_helper.from_array(np.array(1 / STD, np.float32), "pixel_scale"),
        numpy_helper.from_array(np.array(MEAN, np.uint8), "pixel_zero_point"),
    ]
    inputs = ["images", "pixel_scale", "pixel_zero_point"]
    nodes = [helper.make_node("DequantizeLinear", inputs, ["normalized"]), *graph.node]
    for node in nodes:
        del node.metadata_props[:]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 3, SIDE, SIDE])
    whole = helper.make_graph(nodes, "colour", [images], graph.output, [*constants, *graph.initializer])
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no annotations
    def __init__(self, images: NDArray[np.uint8]) -> None:
        channels_first = images.transpose(0, 3, 1, 2)
        self._batches: Iterator[NDArray[Any]] = iter(np.array_split(channels_first, max(1, len(images) // 50)))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": np.ascontiguousarray(batch)}
