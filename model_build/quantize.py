"""A float ONNX file in, an int8 ONNX file with the same inputs and outputs out."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
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
from model_build.data import load
from model_build.export import FLOAT_FILE

INT8_FILE: Final = "int8.onnx"
_PREPARED_FILE: Final = "prepared.onnx"

log = logging.getLogger(__name__)


def quantize(run_dir: Path, config: Config) -> None:
    """Quantize weights and activations to 8 bits, the activations by what training images make of them.

    Weights take 7 bits of their 8: on processors without VNNI the 8-bit products of unsigned activations and signed
    weights saturate at 16 bits, and answers would depend on the processor (ONNX Runtime, "Quantize ONNX models").
    The pixels need no quantizing: their normalization is a dequantization, which the first convolution takes as it is.
    """
    images = load(config).train.images[: config.calibration_images].unsqueeze(1).numpy()
    prepared = run_dir / _PREPARED_FILE
    quant_pre_process(run_dir / FLOAT_FILE, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        run_dir / INT8_FILE,
        _Calibration(images),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod.MinMax,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        nodes_to_exclude=["softmax"],
    )
    log.info("%s: %.1f KiB", run_dir / INT8_FILE, (run_dir / INT8_FILE).stat().st_size / 1024)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no annotations
    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(np.array_split(images, max(1, len(images) // 100)))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}
