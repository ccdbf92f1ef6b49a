"""Time warm requests beside the least code for the same task; print {task: {contender: [wall, processor] seconds}}.

Each line of input is answered with one round, in which all take turns; the first round warms up.
"""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from time import perf_counter, process_time

import numpy as np
import onnxruntime as ort
from PIL import Image

from bench.payloads import batch_event, doubtful_png, encoded, event, noisy, photo, small_png
from handler import http_entry

BATCH = 64
_CALLS = {"28x28 PNG": 100, "28x28 PNG in doubt": 100, "photo": 10}


def main() -> None:
    contenders = _contenders()
    for _ in sys.stdin:
        found = {
            task: {name: _seconds(call, _CALLS.get(task, 1)) for name, call in both.items()}
            for task, both in contenders.items()
        }
        print(json.dumps(found), flush=True)


def _contenders() -> dict[str, dict[str, Callable[[], object]]]:
    small, medium, large = small_png(), photo(), encoded(noisy(4000), "JPEG")
    doubtful = doubtful_png()
    bare, one, two, batch = _Bare(), event(small), event(doubtful), batch_event([small] * BATCH)
    classify = _classify()
    return {
        "28x28 PNG": {"own": lambda: _send(one), "other": lambda: bare.run(small)},
        "28x28 PNG in doubt": {"own": lambda: _send(two), "other": lambda: bare.run(doubtful)},
        "photo": {"own": lambda: classify(medium), "other": lambda: bare.resize_and_run(medium)},
        "12-megapixel JPEG": {"own": lambda: classify(large), "other": lambda: bare.resize_and_run(large)},
        "batch": {"own": lambda: _send(batch), "other": lambda: _send(*[one] * BATCH)},
    }


def _classify() -> Callable[[bytes], object]:
    """From bytes to the answer, without HTTP: 12 megapixels exceed what an event may hold."""
    from handler.api.predictor import Predictor  # noqa: PLC0415  so that nothing of it is imported before the entry
    from handler.inference.classifier import Classifier  # noqa: PLC0415

    predictor = Predictor(Classifier.shipped(), max_pixels=50_000_000, offload=False)
    return lambda image: predictor.classify(image, 3)


class _Bare:
    """Only Pillow and ONNX Runtime."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = "/var/task/handler/model/classifier.onnx"
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, data: bytes) -> object:
        return self._run(np.asarray(Image.open(io.BytesIO(data))))

    def resize_and_run(self, data: bytes) -> object:
        return self._run(np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((28, 28))))

    def _run(self, pixels: np.ndarray) -> object:
        return self._session.run(["probabilities", "known"], {"images": pixels[np.newaxis, np.newaxis]})


def _send(*events: dict[str, object]) -> None:
    for each in events:
        response = http_entry.handler(each, None)
        if response["statusCode"] != 200:
            raise SystemExit(response["body"])


def _seconds(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Wall-clock and processor time of one call."""
    with redirect_stdout(io.StringIO()):
        wall, processor = perf_counter(), process_time()
        for _ in range(calls):
            call()
        return (perf_counter() - wall) / calls, (process_time() - processor) / calls


if __name__ == "__main__":
    main()
