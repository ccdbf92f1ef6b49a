"""The classifier on arrays: batches, the order of predictions, and rejected inputs."""

import re

import numpy as np
import pytest

from handler.contract import ModelInput
from handler.inference.classifier import Classifier


def test_batch_returns_the_results_of_single_images(classifier: Classifier) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 28, 28), np.uint8)
    alone = np.concatenate([classifier.probabilities(image[np.newaxis]) for image in images])
    np.testing.assert_array_equal(classifier.probabilities(images), alone)


@pytest.mark.parametrize("top_k", [1, 3, 10])
def test_predictions_are_sorted_by_score(classifier: Classifier, top_k: int) -> None:
    (classification,) = classifier.classify([ModelInput(np.full((1, 1, 28, 28), 99, np.uint8), None)], top_k)
    scores = [prediction.score for prediction in classification.predictions]
    assert len(scores) == top_k
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(np.zeros((1, 28, 28, 1), np.uint8), id="channels last"),
        pytest.param(np.zeros((1, 3, 28, 28), np.uint8), id="three channels"),
        pytest.param(np.zeros((28, 28), np.uint8), id="no batch"),
        pytest.param(np.zeros((1000, 28, 28, 1), np.uint8), id="many, channels last"),
        pytest.param(np.zeros((1, 1, 28, 28), np.float32), id="floats"),
    ],
)
def test_array_of_wrong_shape_or_type_raises_value_error(classifier: Classifier, wrong: np.ndarray) -> None:
    given = rf"but got {wrong.dtype} of shape {re.escape(str(wrong.shape))}"
    with pytest.raises(ValueError, match=rf"takes uint8 pixels of shape \(N, 1, 28, 28\), {given}"):
        classifier.probabilities(wrong)
