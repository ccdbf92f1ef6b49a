"""Runtimes to compare, and the reasons why one may be unavailable."""

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
    """A runtime and form of the model; `make` writes the file that `loader`, "MODULE:FUNCTION", loads."""

    name: str
    form: str
    distribution: str  # name on PyPI
    package: str  # module to import
    loader: str
    suffix: str
    make: Callable[[Path], None]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.form}"

    def path(self, folder: Path) -> Path:
        """Return the path of its file in `folder`; only companion files have the same stem."""
        return folder / f"{self.title.replace(', ', '-').replace(' ', '-').lower()}{self.suffix}"

    def unavailable_reason(self, machine: Machine, *, quick: bool) -> str | None:
        """Return why it cannot be measured on `machine`, or None if it can."""
        if not importlib.util.find_spec(self.package.partition(".")[0]):
            return f"{self.distribution} is not installed (`make .venv/bench`)"
        if self.make is files.pytorch_compiled and quick:
            return "compiling takes longer than the rest of a quick run"
        if self.make is files.pytorch_compiled and not shutil.which("g++"):
            return "g++, which PyTorch compiles with, is missing"
        if self.form == "bfloat16" and "avx512_bf16" not in machine.features:
            return "this processor has no bfloat16 instructions"
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
