"""OpenVINO on a CPU, with the latency hint."""

from pathlib import Path

import openvino

from bench.runtimes.predict import Floats, Predict
from handler.contract import Pixels


def float32(path: Path, threads: int) -> Predict:
    return _predict(path, threads, "f32")


def bfloat16(path: Path, threads: int) -> Predict:
    """Load with OpenVINO's default precision on processors with bfloat16 instructions."""
    return _predict(path, threads, "bf16")


def _predict(path: Path, threads: int, precision: str) -> Predict:
    core, compiled = openvino.Core(), {}
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }

    def predict(pixels: Pixels) -> list[Floats]:
        """Use a model compiled for this number of images; it is faster than one for any number."""
        if len(pixels) not in compiled:
            model = core.read_model(path)
            model.reshape(pixels.shape)
            compiled[len(pixels)] = core.compile_model(model, "CPU", options).create_infer_request()
        outputs = compiled[len(pixels)].infer([pixels], share_inputs=True)
        return list(outputs.to_tuple())

    return predict
