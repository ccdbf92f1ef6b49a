"""Quantize the float ONNX file to int8, with the same inputs and outputs, and optimize its graph."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from model_build.config import Config
from model_build.datasets.mnist import load
from model_build.release.onnx_layout import with_channels_last
from model_build.run_files import FLOAT_FILE, INT8_FILE, PREPARED_FILE, QDQ_FILE

_QUANTIZED: Final = ["Add", "Conv", "Gemm", "Relu"]

log = logging.getLogger(__name__)


def quantize(run_dir: Path, config: Config) -> None:
    """Quantize weights and activations to 8 bits; the ranges of the activations come from training images.

    Weights use 7 of their 8 bits, so that outputs do not depend on the processor: without VNNI, products of unsigned
    8-bit activations and signed 8-bit weights saturate at 16 bits (ONNX Runtime, "Quantize ONNX models").
    """
    images = load(config).train.images[: config.calibration_images].unsqueeze(1).numpy()
    prepared = run_dir / PREPARED_FILE
    quant_pre_process(run_dir / FLOAT_FILE, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        run_dir / QDQ_FILE,
        _Calibration(images),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod.MinMax,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=_QUANTIZED,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},  # the logits keep their precision
    )
    fuse(run_dir / QDQ_FILE, run_dir / INT8_FILE)
    qdq, fused = (onnx.load(run_dir / name) for name in (QDQ_FILE, INT8_FILE))
    for path, model in ((run_dir / QDQ_FILE, qdq), (run_dir / INT8_FILE, with_channels_last(fused))):
        shorten_names(model.graph)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        log.info("%s: %.1f KiB", path, path.stat().st_size / 1024)


def fuse(source: Path, target: Path) -> None:
    """Let ONNX Runtime fuse each operator with its quantization now, instead of at each start.

    The extended level is the same on every processor; the layouts of the level above are not (ONNX Runtime, "Graph
    optimizations").
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no annotations
    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(np.array_split(images, max(1, len(images) // 100)))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def shorten_names(graph: onnx.GraphProto) -> None:
    """Number the inner tensors: the quantizer's names take more bytes than the biases."""
    kept = {value.name for value in (*graph.input, *graph.output)} | {""}
    numbers: dict[str, str] = {}

    def short(name: str) -> str:
        return name if name in kept else numbers.setdefault(name, str(len(numbers)))

    for node in graph.node:
        node.name = ""
        node.input[:] = map(short, node.input)
        node.output[:] = map(short, node.output)
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    del graph.value_info[:]
