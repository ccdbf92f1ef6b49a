"""Outputs of several runs of a model as one, and of several views of an image as one."""

from collections.abc import Iterable, Sequence

import numpy as np

from handler.contract import ModelOutput


def joined(outputs: Iterable[ModelOutput]) -> ModelOutput:
    """The outputs of all images, in order."""
    parts = list(outputs)
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
