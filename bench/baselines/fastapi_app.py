"""Baseline with FastAPI and Mangum: the shipped model in ONNX Runtime, one route."""

import io
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from mangum import Mangum
from PIL import Image

MODEL = Path(__file__).with_name("model.onnx")
session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
app = FastAPI()


@app.post("/classify")
async def classify(request: Request) -> dict[str, float]:
    image = Image.open(io.BytesIO(await request.body())).convert("L").resize((28, 28))
    (probabilities,) = session.run(["probabilities"], {"images": np.asarray(image)[np.newaxis, np.newaxis]})
    best = int(probabilities[0].argmax())
    return {"class_id": best, "score": float(probabilities[0, best])}


handler = Mangum(app, lifespan="off")
