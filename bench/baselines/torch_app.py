"""Baseline with FastAPI and the model in PyTorch."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from fastapi import FastAPI, Request
from mangum import Mangum
from PIL import Image

from bench.baselines.torch_network import load

FOLDER = Path(__file__).parent
LABELS = json.loads((FOLDER / "labels.json").read_text())
model, scale, zero = load(FOLDER / "model.pt")
app = FastAPI()


@app.post("/classify")
async def classify(request: Request) -> dict[str, str | float]:
    image = Image.open(io.BytesIO(await request.body())).convert("L").resize((28, 28))
    pixels = torch.from_numpy(np.array(image))[None, None]
    with torch.inference_mode():
        probabilities, _, _ = model((pixels.float() - zero) * scale)
    best = int(probabilities[0].argmax())
    return {"label": LABELS[best], "score": float(probabilities[0, best])}


handler = Mangum(app, lifespan="off")
