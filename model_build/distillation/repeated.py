"""A training step that a CUDA device repeats as one graph.

A step of a small network is hundreds of kernels, and launching each of them takes longer than running it.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

_WARM_UP: Final = 5  # steps before one is recorded: the optimizer has its state then, and kernels are chosen

Step = Callable[[Tensor], Tensor]


def repeated(step: Step, generator: torch.Generator) -> Step:
    """`step`, which on the CUDA device of `generator` is recorded after a few times, and replayed from then on.

    It draws from `generator`, takes as many rows (N,) each time, and returns a tensor: when replayed, the same one,
    which the next call overwrites.
    """
    return _Recorded(step, generator) if generator.device.type == "cuda" else step


class _Recorded:
    """https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs."""

    def __init__(self, step: Step, generator: torch.Generator) -> None:
        self._step, self._generator, self._steps = step, generator, 0
        self._graph, self._stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        self._rows = self._result = torch.empty(0)

    def __call__(self, rows: Tensor) -> Tensor:
        self._steps += 1
        if self._steps <= _WARM_UP:
            return self._beside(rows)
        if self._steps == _WARM_UP + 1:
            self._record(rows)
        self._rows.copy_(rows)
        self._graph.replay()
        return self._result

    def _beside(self, rows: Tensor) -> Tensor:
        """On the stream that will be recorded, since the default one cannot be."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._step(rows)
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _record(self, rows: Tensor) -> None:
        """Recording runs nothing."""
        self._rows = rows.clone()
        self._graph.register_generator_state(self._generator)
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._result = self._step(self._rows)
