"""Baseline without a web framework: the shipped model in ONNX Runtime, one route, no error handling."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

MODEL = Path(__file__).with_name("model.onnx")
session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    image = Image.open(io.BytesIO(base64.b64decode(event["body"]))).convert("L").resize((28, 28))
    (probabilities,) = session.run(["probabilities"], {"images": np.asarray(image)[np.newaxis, np.newaxis]})
    best = int(probabilities[0].argmax())
    body = json.dumps({"class_id": best, "score": float(probabilities[0, best])})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
