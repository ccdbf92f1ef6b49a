"""The ways to run the model that are compared, and why one of them may not be at hand."""

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machine import Machine
from bench.models import files

_LITERT: Final = "ai_edge_litert.interpreter"


@dataclass(frozen=True)
class Contender:
    """`make` writes the file that `loader`, a function of a module beside this one, loads."""

    name: str
    form: str
    distribution: str  # as pip calls it
    package: str  # as Python imports it
    loader: str
    suffix: str
    make: Callable[[Path], None]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.form}"

    def path(self, folder: Path) -> Path:
        """Of its file in `folder`; what belongs to it has the same stem, and nothing else has."""
        return folder / f"{self.title.replace(', ', '-').replace(' ', '-').lower()}{self.suffix}"

    def hindrance(self, machine: Machine, *, quick: bool) -> str | None:
        """Why it is not measured on `machine`, if it is not."""
        if not importlib.util.find_spec(self.package.partition(".")[0]):
            return f"{self.distribution} is not installed (`make .venv/bench`)"
        if self.make is files.pytorch_compiled and quick:
            return "compiling takes longer than all else of a quick run"
        if self.make is files.pytorch_compiled and not shutil.which("g++"):
            return "there is no g++ for PyTorch to compile with"
        if self.form == "bfloat16" and "avx512_bf16" not in machine.features:
            return "this processor does not multiply bfloat16"
        return None


SHIPPED: Final = Contender(
    "ONNX Runtime", "int8", "onnxruntime", "onnxruntime", "onnx_runtime:shipped", ".onnx", files.shipped
)
CONTENDERS: Final = (
    SHIPPED,
    Contender("ONNX Runtime", "float", "onnxruntime", "onnxruntime", "onnx_runtime:default", ".onnx", files.onnx_float),
    Contender("PyTorch", "float", "torch", "torch", "pytorch:eager", ".pt", files.pytorch_module),
    Contender("PyTorch compiled", "float", "torch", "torch", "pytorch:compiled", ".pt2", files.pytorch_compiled),
    Contender("LiteRT", "int8", "ai-edge-litert", _LITERT, "litert:default", ".tflite", files.litert_int8),
    Contender("LiteRT", "float", "ai-edge-litert", _LITERT, "litert:default", ".tflite", files.litert_float),
    Contender("OpenVINO", "int8", "openvino", "openvino", "openvino_cpu:float32", ".xml", files.openvino_int8),
    Contender("OpenVINO", "float", "openvino", "openvino", "openvino_cpu:float32", ".xml", files.openvino_float),
    Contender("OpenVINO", "bfloat16", "openvino", "openvino", "openvino_cpu:bfloat16", ".xml", files.openvino_float),
)
