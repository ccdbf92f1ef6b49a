"""A kind of function and an event in, the seconds of its start by part and its answer out; for a fresh process.

The parts are told apart by watching the functions that load the model and that answer, wherever they are called: this
project's functions answer a picture of their own while they are imported, and that counts as part of the first picture.
"""

# ruff: noqa: E402  the clock starts before anything else is imported
from time import perf_counter

started = perf_counter()

import gc
import importlib
import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

LOADING, ANSWERING = "session", "first picture"


class Kind(NamedTuple):
    """`watched` are functions and the parts that they belong to, "MODULE NAME" of each."""

    module: str
    watched: dict[str, str]
    pauses_collection: bool = False  # whether it does so before anything else, so before what is watched is imported


_SHIPPED = "handler.inference.classifier Classifier.shipped"
KINDS = {
    "http": Kind("handler.http_entry", {_SHIPPED: LOADING, "mangum Mangum.__call__": ANSWERING}, True),
    "worker": Kind(
        "handler.s3_entry",
        {
            _SHIPPED: LOADING,
            "handler.inference.decoding views_of": ANSWERING,
            "handler.inference.classifier Classifier.classify": ANSWERING,
        },
        True,
    ),
    "bare": Kind("bench.baselines.bare", {"onnxruntime InferenceSession": LOADING}),
    "onnx_app": Kind("bench.baselines.onnx_app", {"onnxruntime InferenceSession": LOADING}),
    "torch_app": Kind("bench.baselines.torch_app", {"bench.baselines.torch_network load": LOADING}),
}


class Context:
    """What Lambda tells of an invocation, as far as anybody asks."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Parts:
    """Seconds by part; what a watched function calls belongs to it."""

    def __init__(self) -> None:
        self.seconds = {LOADING: 0.0, ANSWERING: 0.0}
        self._inside = False

    def watch(self, place: str, part: str) -> None:
        module, _, name = place.partition(" ")
        *owners, name = name.split(".")
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, name, self._timed(getattr(owner, name), part, bound=isinstance(vars(owner)[name], classmethod)))

    def _timed(self, function: Callable[..., Any], part: str, *, bound: bool) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._inside:
                return function(*arguments, **named)
            self._inside, began = True, perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += perf_counter() - began
                self._inside = False

        return staticmethod(timed) if bound else timed


def main(kind: Kind, event: dict[str, Any]) -> dict[str, Any]:
    parts = Parts()
    began = perf_counter()
    if kind.pauses_collection:
        gc.disable()
    for place, part in kind.watched.items():
        parts.watch(place, part)
    handler = importlib.import_module(kind.module).handler
    imported = perf_counter()
    importing = imported - began - sum(parts.seconds.values())
    while_importing = parts.seconds[ANSWERING]
    answer = handler(event, Context())
    answered = perf_counter()
    seconds = {
        "imports": importing,
        LOADING: parts.seconds[LOADING],
        ANSWERING: while_importing + answered - imported,
    }
    return {"started": started, "seconds": seconds, "answer": answer, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    with redirect_stdout(io.StringIO()):  # what a function logs
        found = main(KINDS[sys.argv[1]], json.loads(Path(sys.argv[2]).read_text()))
    print(json.dumps(found), flush=True)
