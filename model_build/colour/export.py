"""Export a colour network to int8 ONNX: raw pixels in, calibrated probabilities out, channels last throughout."""

import copy
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from model_build.colour.network import MEAN, STD, ColourNetwork
from model_build.colour.recipe import SIDE
from model_build.release.quantize import fused_model, quantize_file, save_compact
from model_build.release.torch_onnx import exported, with_raw_pixels
from model_build.training.network import without_batch_norm

FLOAT_FILE: Final = "colour-float.onnx"
INT8_FILE: Final = "colour.onnx"
_QUANTIZED: Final = ["Add", "Conv", "Clip"]


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
    normalized = exported(module, (3, SIDE, SIDE), ["probabilities"])
    onnx.save(with_raw_pixels(normalized, MEAN, STD, "colour"), run_dir / FLOAT_FILE)
    qdq = run_dir / "colour-qdq.onnx"
    quantize_file(run_dir / FLOAT_FILE, qdq, calibration.transpose(0, 3, 1, 2), _QUANTIZED)
    save_compact(channels_last(fused_model(qdq)), run_dir / INT8_FILE)
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
