"""Time one cold start by part, in a fresh process: `python one_start.py MODULE EVENT`; print seconds and response.

MODULE has the function `handler`, or is IMPORTS. Creating sessions of ONNX Runtime is timed wherever it happens.
"""

# ruff: noqa: E402  the clock starts before all other imports
from time import perf_counter

started = perf_counter()

import gc
import importlib
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

IMPORTS = "fastapi,mangum,onnxruntime,PIL.Image"  # what the HTTP function imports, and nothing else


class Context:
    """The part of Lambda's context that the functions use."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def time_sessions() -> list[float]:
    """Return a list to which each new session adds its seconds."""
    import onnxruntime  # noqa: PLC0415

    seconds, original = [], onnxruntime.InferenceSession

    def timed(*arguments: Any, **named: Any) -> Any:
        began = perf_counter()
        session = original(*arguments, **named)
        seconds.append(perf_counter() - began)
        return session

    onnxruntime.InferenceSession = timed
    return seconds


def main(module: str, event: dict[str, Any]) -> dict[str, Any]:
    began = perf_counter()
    if module == IMPORTS:
        for each in module.split(","):
            importlib.import_module(each)
        return report({"imports": perf_counter() - began}, "")
    if module.startswith("handler."):
        gc.disable()  # as the module itself does before its imports, of which the next line anticipates one
    sessions = time_sessions()
    handler = importlib.import_module(module).handler
    imported, loading = perf_counter(), sum(sessions)
    response = handler(event, Context())
    seconds = {
        "imports": imported - began - loading,
        "session": sum(sessions),
        "first image": perf_counter() - imported - (sum(sessions) - loading),
    }
    if module == "handler.s3_entry" and response != {"batchItemFailures": []}:
        raise SystemExit(f"{response}")
    return report(seconds, response.get("body", ""))


def report(seconds: dict[str, float], response: str) -> dict[str, Any]:
    status = Path("/proc/self/status").read_text()
    peak_mb = int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    return {"started": started, "seconds": seconds, "response": response, "peak_mb": peak_mb}


if __name__ == "__main__":
    with redirect_stdout(io.StringIO()):  # hides the function's log
        start = main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()))
    print(json.dumps(start), flush=True)
