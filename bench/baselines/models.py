"""Write the model file and the labels that a baseline loads, from the shipped model."""

import json
import shutil
from pathlib import Path

import onnx
import torch

from bench.models.files import onnx_float
from bench.models.layers import layers_of
from bench.models.pytorch import FromPixels
from handler.inference.classifier import MODEL_PATH, read_card


def write_labels(folder: Path) -> None:
    (folder / "labels.json").write_text(json.dumps([label.english for label in read_card().labels]), encoding="utf-8")


def as_shipped(folder: Path) -> None:
    shutil.copyfile(MODEL_PATH, folder / "model.onnx")


def in_float(folder: Path) -> None:
    onnx_float(folder / "model.onnx")


def in_pytorch(folder: Path) -> None:
    layers = layers_of(onnx.load(MODEL_PATH))
    model = FromPixels(layers)
    widths = tuple(dict.fromkeys(block.second.stored.shape[0] for block in layers.blocks))
    saved = {
        "widths": widths,
        "blocks_per_stage": len(layers.blocks) // len(widths),
        "classes": len(layers.head_bias) - 1,
        "temperature": layers.temperature,
        "scale": layers.pixel.scale,
        "zero": float(layers.pixel.zero_point),
        "weights": model.export_model.state_dict(),
    }
    torch.save(saved, folder / "model.pt")
