"""Export a network for your own classes to int8 ONNX: raw pixels in; probabilities, `known` and activation maps out."""

import copy
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from model_build.colour.network import MEAN, STD
from model_build.own_classes.calibrate import Centres
from model_build.own_classes.network import OwnNetwork, strangeness
from model_build.own_classes.recipe import Recipe
from model_build.release.quantize import fused_model, quantize_file, save_compact
from model_build.release.torch_onnx import exported, with_raw_pixels
from model_build.run_files import FLOAT_FILE, INT8_FILE, QDQ_FILE
from model_build.training.network import without_batch_norm

_QUANTIZED: Final = ("Add", "Clip", "Conv", "Relu")
_OUTPUTS: Final = ("probabilities", "known", "activation_maps")
_CENTRES: Final = ("centres", "outlier_centres")
_STEPS: Final = 127  # to each side of 0, of a centre in 8 bits

log = logging.getLogger(__name__)


class ExportModel(nn.Module):
    """A network with the outputs of the exported file, for normalized images (N, channels, side, side).

    `known` is a logistic function of the pooled features' distances to the centres of classes and of outliers.
    """

    def __init__(self, network: OwnNetwork, centres: Centres, calibration: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network
        for name, values in zip(_CENTRES, centres, strict=True):
            self.register_buffer(name, torch.from_numpy(values))
        self.temperature = float(calibration["temperature"])
        self.known_distance, self.known_weight = (
            float(calibration[f"known_{name}"]) for name in ("distance", "weight")
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.network.features(images)
        maps: Tensor = self.network.classes(features)
        distances = strangeness(features.mean(dim=(2, 3)), *map(self.get_buffer, _CENTRES))
        known = ((self.known_distance - distances) * self.known_weight).sigmoid()  # an addition would be quantized
        return (maps.mean(dim=(2, 3)) / self.temperature).softmax(dim=1), known, maps


def export(
    run_dir: Path, recipe: Recipe, network: OwnNetwork, centres: Centres, calibration: Mapping[str, Any]
) -> None:
    """Write the float ONNX file of `network`; `centres` are of the features of the classes and of outliers."""
    model = ExportModel(without_batch_norm(_plain(network)), centres, calibration).eval()
    normalized = exported(model, recipe.form.shape, _OUTPUTS)
    onnx.save(with_raw_pixels(normalized, MEAN, STD, Path(recipe.dataset).name), run_dir / FLOAT_FILE)


def quantize(run_dir: Path, examples: NDArray[np.uint8]) -> None:
    """Write the int8 file; `examples` (N, channels, side, side) give the ranges of the activations."""
    qdq = run_dir / QDQ_FILE
    quantize_file(run_dir / FLOAT_FILE, qdq, examples, _QUANTIZED)
    fused = fused_model(qdq)
    save_compact(onnx.load(qdq), qdq)
    save_compact(_with_small_centres(channels_last(fused)), run_dir / INT8_FILE)


def channels_last(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model`, as fused by ONNX Runtime, with its channels last inside, so that no convolution transposes its input.

    Input and outputs keep their channels first.
    """
    model = copy.deepcopy(model)
    graph, first = model.graph, model.graph.input[0].name
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        node.input[:] = ["images last" if name == first else name for name in node.input]
        if node.op_type == "QLinearConv":
            node.domain = "com.microsoft"
            node.attribute.append(helper.make_attribute("channels_last", 1))
        elif node.op_type == "ReduceMean":
            constants[node.input[1]].CopyFrom(numpy_helper.from_array(np.array([1, 2]), node.input[1]))
    _rename(graph, "activation_maps", "maps last")
    before = helper.make_node("Transpose", [first], ["images last"], perm=[0, 2, 3, 1])
    after = helper.make_node("Transpose", ["maps last"], ["activation_maps"], perm=[0, 3, 1, 2])
    nodes = [before, *graph.node, after]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _with_small_centres(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` with a byte for each value of the classes' centres, and a scale for each centre."""
    for centres in [tensor for tensor in model.graph.initializer if tensor.name in _CENTRES]:
        name, values = centres.name, numpy_helper.to_array(centres)
        scales = np.maximum(np.abs(values).max(axis=1), 1e-6).astype(np.float32) / _STEPS
        codes = np.round(values / scales[:, np.newaxis]).astype(np.int8)
        centres.CopyFrom(numpy_helper.from_array(codes, f"{name} codes"))
        model.graph.initializer.append(numpy_helper.from_array(scales, f"{name} scales"))
        node = helper.make_node("DequantizeLinear", [f"{name} codes", f"{name} scales"], [name], axis=0)
        model.graph.node.insert(0, node)
    return model


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _plain(network: OwnNetwork) -> OwnNetwork:
    """A copy of plain convolutions, whatever training has made of its own."""
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, nn.Conv2d):
            module.__class__ = nn.Conv2d
    return plain.to(memory_format=torch.contiguous_format)
