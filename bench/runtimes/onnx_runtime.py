"""ONNX Runtime: with the handler's options, and with default options."""

from pathlib import Path
from typing import Any

import onnxruntime as ort

from bench.runtimes.predict import Predict
from handler.inference.session import session_options


def shipped(path: Path, threads: int) -> Predict:
    """Load with the handler's options, except the number of threads."""
    return _predict(path, threads, session_options())


def default(path: Path, threads: int) -> Predict:
    return _predict(path, threads, ort.SessionOptions())


def _predict(path: Path, threads: int, options: Any) -> Predict:
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"images": pixels})
