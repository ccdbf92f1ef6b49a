"""Who starts in the benchmark of cold starts: this project's two functions, and rivals with what each consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.baselines import models


@dataclass(frozen=True)
class Contender:
    """A Lambda function; a rival has requirements and files, this project's functions have the project's package."""

    name: str
    kind: str  # as bench.in_container.one_start knows it
    requirements: tuple[str, ...] = ()  # names, of the versions that the project pins
    files: tuple[str, ...] = ()  # from the project's root
    write_model: Callable[[Path], None] = models.as_shipped
    torch: bool = False  # needs a build of PyTorch

    @property
    def is_rival(self) -> bool:
        return bool(self.requirements)


_ONNX: Final = ("numpy", "onnxruntime", "pillow")
_RIVALS: Final = "bench/baselines"

HTTP: Final = Contender("this project, HTTP", "http")
WORKER: Final = Contender("this project, worker", "worker")
BARE: Final = Contender("bare handler", "bare", _ONNX, (f"{_RIVALS}/bare.py",))
FLOAT: Final = Contender(
    "FastAPI, float ONNX", "onnx_app", ("fastapi", "mangum", *_ONNX), (f"{_RIVALS}/onnx_app.py",), models.in_float
)
PYTORCH: Final = Contender(
    "FastAPI, PyTorch",
    "torch_app",
    ("fastapi", "mangum", "numpy", "pillow"),
    (
        f"{_RIVALS}/torch_app.py",
        f"{_RIVALS}/torch_network.py",
        "model_build/config.py",
        "model_build/training/network.py",
    ),
    models.in_pytorch,
    torch=True,
)
CONTENDERS: Final = (HTTP, WORKER, BARE, FLOAT, PYTORCH)
