"""Quantize the float ONNX file to int8, with the same inputs and outputs, and optimize its graph."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

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
from model_build.run_files import FLOAT_FILE, INT8_FILE, QDQ_FILE

_QUANTIZED: Final = ["Add", "Conv", "Gemm", "Relu"]
_CALIBRATION_BATCH: Final = 50  # examples; all their activations are in memory at once

log = logging.getLogger(__name__)


def quantize(run_dir: Path, config: Config) -> None:
    """Quantize weights and activations to 8 bits; the ranges of the activations come from training images."""
    images = load(config).train.images[: config.calibration_images].unsqueeze(1).numpy()
    qdq = run_dir / QDQ_FILE
    logits_in_float = {"OpTypesToExcludeOutputQuantization": ["Gemm"]}
    quantize_file(run_dir / FLOAT_FILE, qdq, images, _QUANTIZED, logits_in_float)
    fused = fused_model(qdq)
    for model, path in ((onnx.load(qdq), qdq), (with_channels_last(fused), run_dir / INT8_FILE)):
        _copy_metadata(run_dir / FLOAT_FILE, model)
        save_compact(model, path)


def quantize_file(
    source: Path,
    target: Path,
    calibration: NDArray[Any],
    operators: Sequence[str],
    extra_options: Mapping[str, Any] | None = None,
) -> None:
    """Quantize `operators` of a float ONNX file of one input, into a file with QuantizeLinear and DequantizeLinear.

    `calibration`, examples of the input, gives the ranges of the activations. `extra_options` are ONNX Runtime's.
    Weights use 7 of their 8 bits, so that outputs do not depend on the processor: without VNNI, products of unsigned
    8-bit activations and signed 8-bit weights saturate at 16 bits (ONNX Runtime, "Quantize ONNX models").
    """
    with tempfile.TemporaryDirectory() as folder, _without_log():
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Calibration(onnx.load(source).graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=operators,
            extra_options=extra_options,
        )


def fused_model(source: Path) -> onnx.ModelProto:
    """Let ONNX Runtime fuse each operator with its quantization now, instead of at each start.

    The extended level is the same on every processor; the layouts of the level above are not (ONNX Runtime, "Graph
    optimizations").
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "fused.onnx")
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(target)
        ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        return onnx.load(target)


def save_compact(model: onnx.ModelProto, path: Path) -> None:
    """Check `model` and write it to `path`, its inner tensors numbered."""
    _shorten_names(model.graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    log.info("%s: %.1f KiB", path, path.stat().st_size / 1024)


def _copy_metadata(source: Path, model: onnx.ModelProto) -> None:
    properties = {each.key: each.value for each in onnx.load(source).metadata_props}
    onnx.helper.set_model_props(model, properties)


@contextmanager
def _without_log() -> Iterator[None]:
    """ONNX Runtime's quantizer logs a line for each channel of small weights, by the root logger."""
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no annotations
    def __init__(self, input_name: str, examples: NDArray[Any]) -> None:
        self._input_name = input_name
        parts = np.array_split(examples, max(1, len(examples) // _CALIBRATION_BATCH))
        self._batches: Iterator[NDArray[Any]] = iter(parts)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._input_name: np.ascontiguousarray(batch)}


def _shorten_names(graph: onnx.GraphProto) -> None:
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
