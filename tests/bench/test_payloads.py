"""The small images that benchmarks send: of one the classifier is sure, of the other it is in doubt; both are right."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from bench.payloads import CLASS_ID, doubtful_png, small_png
from handler.contract import Pixels
from handler.inference.classifier import MODEL_PATH, Classifier, read_card


class Counting(Classifier):
    """Counts the runs of the network."""

    runs = 0

    def outputs(self, pixels: Pixels, *names: str) -> list[np.ndarray]:
        self.runs += 1
        return super().outputs(pixels, *names)


@pytest.mark.parametrize(
    ("payload", "runs"), [pytest.param(small_png, 1, id="sure"), pytest.param(doubtful_png, 2, id="in doubt")]
)
def test_classifier_runs_an_image_in_doubt_twice(payload: Callable[[], bytes], runs: int) -> None:
    classifier = Counting(MODEL_PATH, read_card().labels)
    pixels = np.asarray(Image.open(io.BytesIO(payload())))[np.newaxis, np.newaxis]
    assert classifier.probabilities(pixels).argmax() == CLASS_ID
    assert classifier.runs == runs
