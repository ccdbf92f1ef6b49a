"""Outputs of several runs of a model as one: of parts, of views of an image, of an image and its mirror image."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelOutput


def joined(outputs: Iterable[ModelOutput]) -> ModelOutput:
    """The outputs of all images, in order."""
    parts = list(outputs)
    if len(parts) == 1:
        return parts[0]
    return ModelOutput(
        np.concatenate([part.probabilities for part in parts]), np.concatenate([part.known for part in parts])
    )


def mean_over_views(output: ModelOutput, counts: Sequence[int]) -> ModelOutput:
    """Average the rows of each image, which has `counts[i]` views, in order."""
    if len(output.known) == len(counts):
        return output
    ends = np.cumsum(counts)[:-1]
    return ModelOutput(
        np.stack([rows.mean(axis=0) for rows in np.split(output.probabilities, ends)]),
        np.stack([rows.mean() for rows in np.split(output.known, ends)]),
    )


def mean_in_doubt(
    output: ModelOutput, doubtful_below: float, of_mirrored: Callable[[NDArray[np.intp]], ModelOutput]
) -> ModelOutput:
    """Average each row whose likeliest class has less than `doubtful_below` with that of the image's mirror image.

    `of_mirrored` gets the indices of these images, and runs the model on their mirror images: a second run for a few
    images gains as much as one for all.
    """
    doubtful = np.flatnonzero(output.probabilities.max(axis=1) < doubtful_below)
    if not len(doubtful):
        return output
    mirrored = of_mirrored(doubtful)
    if len(doubtful) == len(output.known):  # most often a single image, for which indexing would take longer
        return _mean(output, mirrored)
    mean = _mean(ModelOutput(output.probabilities[doubtful], output.known[doubtful]), mirrored)
    probabilities, known = output.probabilities.copy(), output.known.copy()
    probabilities[doubtful], known[doubtful] = mean.probabilities, mean.known
    return ModelOutput(probabilities, known)


def _mean(one: ModelOutput, other: ModelOutput) -> ModelOutput:
    half = np.float32(0.5)
    return ModelOutput((one.probabilities + other.probabilities) * half, (one.known + other.known) * half)
