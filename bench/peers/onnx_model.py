"""Decode, resize and run: what each peer does with an image, as a tutorial of ONNX Runtime has it."""

import base64
import io
import os
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class OnnxModel:
    """A session of the file that MODEL names. One thread: for one small image, a second one only costs time."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])

    def probabilities(self, pixels: Any) -> Any:
        """(N, 1, 28, 28) of uint8 -> (N, 10)."""
        return self._session.run(["probabilities"], {"images": pixels})[0]

    def classify(self, data: bytes) -> dict[str, Any]:
        """Label and score of an encoded image."""
        image = Image.open(io.BytesIO(data)).convert("L").resize((28, 28))
        (row,) = self.probabilities(np.asarray(image)[np.newaxis, np.newaxis])
        best = int(row.argmax())
        return {"label": LABELS[best], "score": float(row[best])}

    def classify_base64(self, text: str) -> dict[str, Any]:
        return self.classify(base64.b64decode(text))
