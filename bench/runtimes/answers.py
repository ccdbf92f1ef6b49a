"""The words between a benchmark and what it runs: pictures in, the three outputs of the model out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from handler.contract import Pixels

Floats = NDArray[np.float32]
Answer = Callable[[Pixels], Sequence[Floats]]  # probabilities, known and activation maps
