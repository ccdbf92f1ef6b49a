"""ONNX Runtime sessions of the files in a model's folder."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from handler.errors import InvalidModel


def session_options() -> ort.SessionOptions:
    """ONNX Runtime's options for the files in a model's folder."""
    options = ort.SessionOptions()
    # The file was optimized when it was built; optimizing again would dominate the time to create a session.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # One thread: a Lambda function below 1,769 MB has less than one vCPU, and a spinning pool only burns it.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def new_session(path: Path) -> ort.InferenceSession:
    """A session of the file at `path`, on the CPU. Raises InvalidModel if it is missing or damaged."""
    if not path.is_file():
        raise InvalidModel(f"there is no model in {path.parent}: {path.name} is missing")
    try:
        return ort.InferenceSession(path, sess_options=session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each of its states
        raise InvalidModel(f"{path} is not an ONNX file that this version can run: {error}") from error


class LazySession:
    """A session that its first images load: few requests may need it. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loading = threading.Lock()
        self._loaded: ort.InferenceSession | None = None

    def run(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """The first output for `images` (N, ...)."""
        if self._loaded is None:
            with self._loading:
                self._loaded = self._loaded or new_session(self._path)
        return np.asarray(self._loaded.run(None, {"images": images})[0])
