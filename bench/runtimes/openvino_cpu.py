"""OpenVINO on a processor, for the shortest time to a single answer."""

from pathlib import Path

import openvino

from bench.runtimes.answers import Answer, Floats
from handler.contract import Pixels


def float32(path: Path, threads: int) -> Answer:
    return _answer(path, threads, "f32")


def bfloat16(path: Path, threads: int) -> Answer:
    """What it does by default where the processor multiplies such numbers."""
    return _answer(path, threads, "bf16")


def _answer(path: Path, threads: int, precision: str) -> Answer:
    core, compiled = openvino.Core(), {}
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }

    def answer(pixels: Pixels) -> list[Floats]:
        """By a model compiled for as many pictures, which is faster than one for any number."""
        if len(pixels) not in compiled:
            model = core.read_model(path)
            model.reshape(pixels.shape)
            compiled[len(pixels)] = core.compile_model(model, "CPU", options).create_infer_request()
        answers = compiled[len(pixels)].infer([pixels], share_inputs=True)
        return list(answers.to_tuple())

    return answer
