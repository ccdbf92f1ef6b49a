"""PyTorch: its modules as they are, and compiled ahead of time."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench.runtimes.answers import Answer, Floats
from handler.contract import Pixels


def eager(path: Path, threads: int) -> Answer:
    torch.set_num_threads(threads)
    # A pickle, which the benchmark itself has just written.
    return _answer(torch.load(path, weights_only=False))


def compiled(path: Path, threads: int) -> Answer:
    torch.set_num_threads(threads)
    return _answer(torch._inductor.aoti_load_package(str(path)))


def _answer(network: Callable[[Tensor], tuple[Tensor, ...]]) -> Answer:
    def answer(pixels: Pixels) -> list[Floats]:
        with torch.inference_mode():
            return [each.numpy() for each in network(torch.from_numpy(pixels))]

    return answer
