"""Small models of any side, channels and classes, with their cards, as training publishes them; a few kilobytes each.

The network knows a colour for each class: an image is of the class whose colour is nearest to its mean.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from handler.contract import InputFormat

NAMES: Final = ("rote Äpfel", "große Kreuze", "方块", "Score", "T-shirt/top")


def write_model(folder: Path, form: InputFormat, classes: int, **changes: Any) -> Path:
    """Write classifier.onnx and its card, with `changes` of its members, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_network(form, classes), folder / "classifier.onnx")
    content = (folder / "classifier.onnx").read_bytes()
    card = {
        "name": "my shop",
        "version": "sha256-0123456789ab",
        "title": {"english": "things", "chinese": "东西"},
        "labels": [{"class_id": i, "english": _name(i), "chinese": f"类{i}"} for i in range(classes)],
        "input": {"side": form.side, "channels": form.channels, "preprocessing": form.preprocessing},
        "model": {"file": "classifier.onnx", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        "calibration": {"temperature": 1.0, "known_threshold": 0.5, "confident_threshold": 0.6},
        **changes,
    }
    (folder / "classifier.json").write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    return folder


def colour_of(class_id: int, form: InputFormat, classes: int) -> tuple[int, ...]:
    """The colour of a class, or its grey value."""
    return tuple(int(value) for value in _colours(form, classes)[class_id])


def _name(class_id: int) -> str:
    return NAMES[class_id] if class_id < len(NAMES) else f"class {class_id}"


def _colours(form: InputFormat, classes: int) -> np.ndarray:
    grey = np.linspace(20, 235, classes).round()
    return np.stack([grey, 255 - grey, grey], axis=1)[:, : form.channels].astype(np.float32)


def _network(form: InputFormat, classes: int) -> onnx.ModelProto:
    """-|mean - colour|^2 / 50 = (2 colour . mean - |colour|^2) / 50 + a number that softmax does not see."""
    colours = _colours(form, classes)
    constants = {
        "weight": (2 * colours.T / 50).astype(np.float32),
        "bias": (-(colours**2).sum(axis=1) / 50).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "weight", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ReduceMax", ["probabilities"], ["known"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *form.shape])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
            helper.make_tensor_value_info("known", TensorProto.FLOAT, ["N"]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=10)
