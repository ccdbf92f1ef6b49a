"""ONNX Runtime sessions of the files in a model's folder."""

import os
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from handler.errors import InvalidModel

_MOST_PARTS: Final = 4  # of a batch: others may use the processors, too

Output = TypeVar("Output")


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


def in_parts(run: Callable[[Any], Output], rows: NDArray[np.uint8] | list[Any], fewest: int) -> list[Output]:
    """The outputs of `run` for parts of a batch, in order; at once on several processors.

    ONNX Runtime lets go of Python's lock. A part has at least `fewest` rows: less would not be worth a thread.
    """
    if len(rows) < 2 * fewest:
        return [run(rows)]
    count = min(_processors(), _MOST_PARTS, len(rows) // fewest)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  most batches are of one image

    bounds = [len(rows) * place // count for place in range(count + 1)]
    first, *others = [rows[start:end] for start, end in pairwise(bounds)]
    with ThreadPoolExecutor(max(1, count - 1)) as threads:
        running = [threads.submit(run, part) for part in others]
        return [run(first), *(each.result() for each in running)]


def _processors() -> int:
    """How many this process may use; macOS does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
