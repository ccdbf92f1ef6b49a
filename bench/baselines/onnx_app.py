"""Baseline with FastAPI and the float model in ONNX Runtime."""

import io
import json
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from mangum import Mangum
from PIL import Image

FOLDER = Path(__file__).parent
LABELS = json.loads((FOLDER / "labels.json").read_text())
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])
app = FastAPI()


@app.post("/classify")
async def classify(request: Request) -> dict[str, str | float]:
    image = Image.open(io.BytesIO(await request.body())).convert("L").resize((28, 28))
    (probabilities,) = session.run(["probabilities"], {"images": np.asarray(image)[np.newaxis, np.newaxis]})
    best = int(probabilities[0].argmax())
    return {"label": LABELS[best], "score": float(probabilities[0, best])}


handler = Mangum(app, lifespan="off")
