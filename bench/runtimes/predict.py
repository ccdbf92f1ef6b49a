"""Types of the function that each runtime provides: pixels to the model's three outputs."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from handler.contract import Pixels

Floats = NDArray[np.float32]
Predict = Callable[[Pixels], Sequence[Floats]]  # probabilities, known and activation maps
