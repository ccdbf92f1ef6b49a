"""Functions in the cold-start benchmark: this project's two, and the baselines with their dependencies and files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.baselines import models


@dataclass(frozen=True)
class Contender:
    """A Lambda function. Baselines list requirements and files; this project's functions use its package."""

    name: str
    kind: str  # key in bench.in_container.one_start.KINDS
    requirements: tuple[str, ...] = ()  # names; versions are those that the project pins
    files: tuple[str, ...] = ()  # relative to the project's root
    write_model: Callable[[Path], None] = models.as_shipped
    torch: bool = False  # requires PyTorch

    @property
    def is_baseline(self) -> bool:
        return bool(self.requirements)


_ONNX: Final = ("numpy", "onnxruntime", "pillow")
_BASELINES: Final = "bench/baselines"

HTTP: Final = Contender("this project, HTTP", "http")
WORKER: Final = Contender("this project, worker", "worker")
BARE: Final = Contender("bare handler", "bare", _ONNX, (f"{_BASELINES}/bare.py",))
FLOAT: Final = Contender(
    "FastAPI, float ONNX", "onnx_app", ("fastapi", "mangum", *_ONNX), (f"{_BASELINES}/onnx_app.py",), models.in_float
)
PYTORCH: Final = Contender(
    "FastAPI, PyTorch",
    "torch_app",
    ("fastapi", "mangum", "numpy", "pillow"),
    (
        f"{_BASELINES}/torch_app.py",
        f"{_BASELINES}/torch_network.py",
        "model_build/config.py",
        "model_build/training/network.py",
    ),
    models.in_pytorch,
    torch=True,
)
CONTENDERS: Final = (HTTP, WORKER, BARE, FLOAT, PYTORCH)
