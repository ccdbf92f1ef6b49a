"""Metrics, for cases worked out by hand."""

import numpy as np
import pytest

from model_build.datasets.mnist import MNIST
from model_build.metrics import auroc, classification_report, confident_threshold, expected_calibration_error

pytestmark = pytest.mark.slow


def test_classification_report_has_precision_and_recall() -> None:
    probabilities = np.eye(10, dtype=np.float32)[[0, 0, 1, 1]]
    result = classification_report(np.array([0, 1, 1, 1]), probabilities, MNIST.labels)
    assert result["accuracy"] == 0.75
    assert result["per_class"][0] == {"label": "0", "precision": 0.5, "recall": 1.0}
    assert result["per_class"][1] == {"label": "1", "precision": 1.0, "recall": 0.6667}


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        pytest.param([0.9, 0.8, 0.2, 0.1], [True, True, False, False], 1.0, id="separated"),
        pytest.param([0.1, 0.2, 0.8, 0.9], [True, True, False, False], 0.0, id="reversed"),
        pytest.param([0.5, 0.5, 0.5, 0.5], [True, True, False, False], 0.5, id="all the same"),
        pytest.param([0.9, 0.4, 0.5, 0.1], [True, True, False, False], 0.75, id="one pair of four wrong"),
    ],
)
def test_auroc_is_share_of_pairs_in_order(scores: list[float], positive: list[bool], expected: float) -> None:
    assert auroc(np.array(scores), np.array(positive)) == expected


def test_auroc_without_negatives_is_nan() -> None:
    assert np.isnan(auroc(np.array([0.5]), np.array([True])))


def test_calibration_error_is_gap_between_confidence_and_accuracy() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 8 + [False] * 2)
    assert expected_calibration_error(correct, confidence) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("wrong", "expected"), [((), 0.01), ((0.5,), 0.01), ((0.5, 0.51, 0.52, 0.53), 0.53), ((1.0,), 0.01)], ids=str
)
def test_confident_threshold_is_the_lowest_above_which_enough_are_right(
    wrong: tuple[float, ...], expected: float
) -> None:
    scores = np.arange(1, 101) / 100
    right = ~np.isin(scores, wrong)
    assert confident_threshold(scores, right) == pytest.approx(expected, abs=2e-4)


def test_confident_threshold_of_too_few_answers_lets_none_be_confident() -> None:
    assert confident_threshold(np.linspace(0, 1, 19), np.ones(19, bool)) == 1
