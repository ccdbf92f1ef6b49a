"""Time one cold start by part, in a fresh process: `python one_start.py KIND EVENT`; print seconds and response.

Wraps the functions that load the model and that classify, to time their calls wherever they come from. This project's
functions classify a sample image during import, which counts as part of the first image.
"""

# ruff: noqa: E402  the clock starts before all other imports
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

LOADING, CLASSIFYING = "session", "first image"


class Kind(NamedTuple):
    """A Lambda function's module; `timed` maps functions, as "MODULE NAME", to the part that they count for."""

    module: str
    timed: dict[str, str]
    pauses_collection: bool = False  # its module calls gc.disable() before its imports, so this script must as well


_SHIPPED = "handler.inference.classifier Classifier.shipped"
KINDS = {
    "http": Kind("handler.http_entry", {_SHIPPED: LOADING, "mangum Mangum.__call__": CLASSIFYING}, True),
    "worker": Kind(
        "handler.s3_entry",
        {
            _SHIPPED: LOADING,
            "handler.inference.pipeline prepare": CLASSIFYING,
            "handler.inference.classifier Classifier.classify": CLASSIFYING,
        },
        True,
    ),
    "bare": Kind("bench.baselines.bare", {"onnxruntime InferenceSession": LOADING}),
    "onnx_app": Kind("bench.baselines.onnx_app", {"onnxruntime InferenceSession": LOADING}),
    "torch_app": Kind("bench.baselines.torch_app", {"bench.baselines.torch_network load": LOADING}),
}


class Context:
    """The part of Lambda's context that the functions use."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Parts:
    """Measures seconds by part; nested calls count for the outermost timed function."""

    def __init__(self) -> None:
        self.seconds = {LOADING: 0.0, CLASSIFYING: 0.0}
        self._running = False

    def time_calls(self, place: str, part: str) -> None:
        module, _, name = place.partition(" ")
        *owners, name = name.split(".")
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, name, self._timed(getattr(owner, name), part, bound=isinstance(vars(owner)[name], classmethod)))

    def _timed(self, function: Callable[..., Any], part: str, *, bound: bool) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._running:
                return function(*arguments, **named)
            self._running, began = True, perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += perf_counter() - began
                self._running = False

        return staticmethod(timed) if bound else timed


def main(kind: Kind, event: dict[str, Any]) -> dict[str, Any]:
    parts = Parts()
    began = perf_counter()
    if kind.pauses_collection:
        gc.disable()
    for place, part in kind.timed.items():
        parts.time_calls(place, part)
    handler = importlib.import_module(kind.module).handler
    imported = perf_counter()
    importing = imported - began - sum(parts.seconds.values())
    while_importing = parts.seconds[CLASSIFYING]
    response = handler(event, Context())
    responded = perf_counter()
    seconds = {
        "imports": importing,
        LOADING: parts.seconds[LOADING],
        CLASSIFYING: while_importing + responded - imported,
    }
    return {"started": started, "seconds": seconds, "response": response, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    with redirect_stdout(io.StringIO()):  # hides the function's log
        start = main(KINDS[sys.argv[1]], json.loads(Path(sys.argv[2]).read_text()))
    print(json.dumps(start), flush=True)
