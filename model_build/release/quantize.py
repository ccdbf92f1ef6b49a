"""A float ONNX file in, an int8 ONNX file with the same inputs and outputs out, ready to run."""

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
from model_build.release.export import FLOAT_FILE
from model_build.release.onnx_layout import with_channels_last

INT8_FILE: Final = "int8.onnx"
QDQ_FILE: Final = "qdq.onnx"  # the same in standard operators only, for other runtimes than ONNX Runtime
_PREPARED_FILE: Final = "prepared.onnx"
_QUANTIZED: Final = ["Add", "Conv", "Gemm", "Relu"]

log = logging.getLogger(__name__)


def quantize(run_dir: Path, config: Config) -> None:
    """Quantize weights and activations to 8 bits, the activations by what training images make of them.

    Weights take 7 bits of their 8: on processors without VNNI the 8-bit products of unsigned activations and signed
    weights saturate at 16 bits, and answers would depend on the processor (ONNX Runtime, "Quantize ONNX models").
    """
    images = load(config).train.images[: config.calibration_images].unsqueeze(1).numpy()
    prepared = run_dir / _PREPARED_FILE
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
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},  # the logits stay as exact as they are
    )
    _fuse(run_dir / QDQ_FILE, run_dir / INT8_FILE)
    qdq, fused = (onnx.load(run_dir / name) for name in (QDQ_FILE, INT8_FILE))
    for path, model in ((run_dir / QDQ_FILE, qdq), (run_dir / INT8_FILE, with_channels_last(fused))):
        _shorten_names(model.graph)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        log.info("%s: %.1f KiB", path, path.stat().st_size / 1024)


def _fuse(source: Path, target: Path) -> None:
    """Let ONNX Runtime fuse each operator with its quantization now, which it would do at each start otherwise.

    Only what it does alike on every processor: not the layouts of the level above, which differ (ONNX Runtime, "Graph
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


def _shorten_names(graph: onnx.GraphProto) -> None:
    """Name what is inside by numbers: the quantizer's names take more bytes than the biases."""
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
