"""ONNX Runtime: as it ships, and as it is by default."""

from pathlib import Path
from typing import Any

import onnxruntime as ort

from bench.runtimes.answers import Answer
from handler.inference.classifier import _session_options


def shipped(path: Path, threads: int) -> Answer:
    """With the options of the handler, but for the threads."""
    return _answer(path, threads, _session_options())


def default(path: Path, threads: int) -> Answer:
    return _answer(path, threads, ort.SessionOptions())


def _answer(path: Path, threads: int, options: Any) -> Answer:
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"images": pixels})
