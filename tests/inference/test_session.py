"""Batches in parts, on several processors."""

import threading

import numpy as np
import pytest

from handler.inference.classifier import Classifier
from handler.inference.outputs import joined
from handler.inference.session import in_parts


@pytest.mark.parametrize(("rows", "fewest"), [(0, 1), (1, 1), (7, 8), (16, 8), (101, 3)])
def test_parts_are_the_batch_in_its_order(rows: int, fewest: int) -> None:
    parts = in_parts(list, list(range(rows)), fewest)
    assert [row for part in parts for row in part] == list(range(rows))
    assert len(parts) == 1 or min(map(len, parts)) >= fewest


def test_small_batch_needs_no_thread() -> None:
    assert in_parts(lambda _: threading.current_thread(), list(range(15)), 8) == [threading.current_thread()]


def test_error_of_a_part_is_raised() -> None:
    def run(part: list[int]) -> None:
        if 99 in part:
            raise ValueError("99")

    with pytest.raises(ValueError, match="99"):
        in_parts(run, list(range(100)), 1)


def test_large_batch_has_the_outputs_of_small_ones(classifier: Classifier) -> None:
    images = np.random.default_rng(0).integers(0, 256, (41, 1, 28, 28), np.uint8)
    found, small = classifier.predict(images), joined([classifier.predict(part) for part in np.array_split(images, 6)])
    np.testing.assert_array_equal(found.probabilities, small.probabilities)
    np.testing.assert_array_equal(found.known, small.known)
