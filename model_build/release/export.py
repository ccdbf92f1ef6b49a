"""Export the trained network to a float ONNX file, from raw uint8 pixels to calibrated probabilities."""

import logging
from pathlib import Path
from typing import Final, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from handler.contract import IMAGE_SIDE
from handler.inference.classifier import Classifier
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, Dataset, load, mirrors_at_inference, normalize
from model_build.run_files import FLOAT_FILE, read_calibration
from model_build.training.checkpoint import trained_network
from model_build.training.network import ExportModel, without_batch_norm

_OPSET: Final = 20  # old enough for every onnxruntime from 1.17 on
_TOLERANCE: Final = 1e-4  # of a probability, between PyTorch and ONNX Runtime

log = logging.getLogger(__name__)


def export(run_dir: Path, config: Config) -> None:
    """Write the network of `run_dir` as ONNX.

    Raises ValueError if the outputs of ONNX Runtime differ from those of PyTorch.
    """
    dataset = DATASETS[config.dataset]
    network = without_batch_norm(trained_network(run_dir, config))
    temperature = float(read_calibration(run_dir)["temperature"])
    export_model = ExportModel(network, temperature, mirror=mirrors_at_inference(config)).eval()
    model = _with_raw_pixels(_exported(export_model), dataset)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, run_dir / FLOAT_FILE)
    _compare(export_model, run_dir / FLOAT_FILE, config)


def _exported(export_model: ExportModel) -> onnx.ModelProto:
    """Normalized images (N, 1, 28, 28) to probabilities (N, 10), known (N,) and activation maps (N, 10, 7, 7)."""
    program = torch.onnx.export(
        export_model,
        (torch.zeros(2, 1, IMAGE_SIDE, IMAGE_SIDE),),
        input_names=["normalized"],
        output_names=["probabilities", "known", "activation_maps"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    return cast("torch.onnx.ONNXProgram", program).model_proto  # only the legacy exporter returns None


def _with_raw_pixels(model: onnx.ModelProto, dataset: Dataset) -> onnx.ModelProto:
    """Put normalization before `model`.

    Normalizing by an integer mean is the same as dequantizing, so that the int8 file can take the pixels as they are:
    (pixel - mean) / std = (pixel - zero_point) * scale.
    """
    graph = model.graph
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    constants = [
        numpy_helper.from_array(np.array(1 / dataset.std, np.float32), "pixel_scale"),
        numpy_helper.from_array(np.array(dataset.mean, np.uint8), "pixel_zero_point"),
    ]
    normalize_node = helper.make_node(
        "DequantizeLinear", ["images", "pixel_scale", "pixel_zero_point"], ["normalized"], name="normalize"
    )
    whole = helper.make_graph(
        [normalize_node, *graph.node],
        dataset.name,
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [batch, 1, IMAGE_SIDE, IMAGE_SIDE])],
        graph.output,
        [*constants, *graph.initializer],
    )
    for node in whole.node:
        del node.metadata_props[:]  # the exporter's stack traces, longer than the weights
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)


def _compare(export_model: ExportModel, path: Path, config: Config) -> None:
    dataset = DATASETS[config.dataset]
    images = load(config).validation.images[:256]
    with torch.inference_mode():
        expected = [output.numpy() for output in export_model(normalize(images, dataset))]
    found = Classifier(path, dataset.labels).outputs(images.unsqueeze(1).numpy())
    difference = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    if difference > _TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {difference:.2g}, more than {_TOLERANCE}")
    log.info("%s differs from PyTorch by at most %.1g", path, difference)
