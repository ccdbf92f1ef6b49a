"""Compare warm requests with the minimum code for the same task; print {comparison: {contender: [seconds, ...]}}."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from time import perf_counter

import numpy as np
import onnxruntime as ort
from PIL import Image

from bench.in_container.events import batch_request, photo, request, small_png
from handler import http_entry
from handler.api.predictor import Predictor
from handler.inference.classifier import Classifier


def main(rounds: int) -> None:
    """Measure in turns, after one warm-up turn."""
    contenders = _contenders()
    seconds: dict[str, dict[str, list[float]]] = {
        name: {each: [] for each in both} for name, both in contenders.items()
    }
    for turn in range(rounds + 1):
        for name, both in contenders.items():
            for contender, call in both.items():
                once = _seconds(call, 100 if name == "28x28 PNG" else 1)
                if turn:
                    seconds[name][contender].append(once)
    print(json.dumps(seconds))


def _contenders() -> dict[str, dict[str, Callable[[], object]]]:
    small, noisy, smooth = small_png(), photo(4000, 3000), photo(4000, 3000, noise_share=0.03)
    one, batch = request(small), batch_request([small] * 64)
    bare, predictor = _Bare(), Predictor(Classifier.shipped(), max_pixels=50_000_000, offload=False)
    return {
        "28x28 PNG": {"this function": lambda: _send(one), "decode and run": lambda: bare.run(small)},
        f"12-megapixel JPEG of {len(noisy) / 1e6:.1f} MB": {
            "this function": lambda: predictor.classify(noisy, 3),
            "open, convert, resize and run": lambda: bare.resize_and_run(noisy),
        },
        f"12-megapixel JPEG of {len(smooth) / 1e6:.1f} MB": {
            "this function": lambda: predictor.classify(smooth, 3),
            "open, convert, resize and run": lambda: bare.resize_and_run(smooth),
        },
        "64 images": {
            "in one request": lambda: _send(batch),
            "in one request each": lambda: _send(*[one] * 64),
        },
    }


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
    for event in events:
        response = http_entry.handler(event, None)
        if response["statusCode"] != 200:
            raise SystemExit(response["body"])


def _seconds(call: Callable[[], object], calls: int) -> float:
    with redirect_stdout(io.StringIO()):
        started = perf_counter()
        for _ in range(calls):
            call()
        return (perf_counter() - started) / calls


if __name__ == "__main__":
    main(int(sys.argv[1]))
