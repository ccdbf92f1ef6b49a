"""PyTorch: eager modules, and compiled ahead of time."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench.runtimes.predict import Floats, Predict
from handler.contract import Pixels


def eager(path: Path, threads: int) -> Predict:
    torch.set_num_threads(threads)
    # A pickle, but one that the benchmark itself has just written.
    return _predict(torch.load(path, weights_only=False))


def compiled(path: Path, threads: int) -> Predict:
    torch.set_num_threads(threads)
    return _predict(torch._inductor.aoti_load_package(str(path)))


def _predict(network: Callable[[Tensor], tuple[Tensor, ...]]) -> Predict:
    def predict(pixels: Pixels) -> list[Floats]:
        with torch.inference_mode():
            return [each.numpy() for each in network(torch.from_numpy(pixels))]

    return predict
