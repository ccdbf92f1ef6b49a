"""An image in doubt is classified again, mirrored, and the outputs are averaged."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from handler.contract import ModelOutput
from handler.errors import InvalidModel
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.outputs import mean_in_doubt
from handler.inference.signature import DOUBTFUL_BELOW

_IMAGES = np.random.default_rng(5).integers(0, 256, (30, 1, 28, 28), np.uint8)


def _with_metadata(path: Path, **metadata: str) -> Path:
    model = onnx.load(MODEL_PATH)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


@pytest.fixture
def run_once(classifier: Classifier, tmp_path: Path) -> Classifier:
    """The shipped network, from a file that says nothing of doubt."""
    return Classifier(_with_metadata(tmp_path / "once.onnx"), classifier.labels)


def test_only_rows_in_doubt_are_averaged() -> None:
    output = ModelOutput(np.array([[0.75, 0.25], [0.95, 0.05]], np.float32), np.array([0.5, 0.5], np.float32))
    asked: list[list[int]] = []

    def of_mirrored(rows: NDArray[np.intp]) -> ModelOutput:
        asked.append(rows.tolist())
        return ModelOutput(np.array([[0.25, 0.75]], np.float32), np.array([1.0], np.float32))

    mean = mean_in_doubt(output, 0.9, of_mirrored)

    assert asked == [[0]]
    np.testing.assert_allclose(mean.probabilities, [[0.5, 0.5], [0.95, 0.05]])
    np.testing.assert_allclose(mean.known, [0.75, 0.5])


def test_all_rows_in_doubt_are_averaged_and_the_originals_kept() -> None:
    output = ModelOutput(np.array([[0.75, 0.25]], np.float32), np.array([0.5], np.float32))
    mirrored = ModelOutput(np.array([[0.25, 0.75]], np.float32), np.array([1.0], np.float32))
    mean = mean_in_doubt(output, 0.9, lambda _: mirrored)
    assert (mean.probabilities.tolist(), mean.known.tolist()) == ([[0.5, 0.5]], [0.75])
    assert output.probabilities.tolist() == [[0.75, 0.25]]


def test_without_doubt_nothing_is_mirrored() -> None:
    output = ModelOutput(np.array([[0.9, 0.1]], np.float32), np.array([1.0], np.float32))
    assert mean_in_doubt(output, 0.9, lambda _: pytest.fail("asked")) is output


def test_shipped_file_averages_what_it_doubts(classifier: Classifier, run_once: Classifier) -> None:
    (below,) = (each.value for each in onnx.load(MODEL_PATH).metadata_props if each.key == DOUBTFUL_BELOW)
    straight, mirrored, found = (
        run_once.predict(_IMAGES),
        run_once.predict(_IMAGES[..., ::-1].copy()),
        classifier.predict(_IMAGES),
    )
    doubtful = straight.probabilities.max(axis=1) < float(below)
    assert doubtful.sum() > 0
    mean = (straight.probabilities + mirrored.probabilities) / 2
    np.testing.assert_array_equal(found.probabilities[doubtful], mean[doubtful])
    np.testing.assert_array_equal(found.known[doubtful], ((straight.known + mirrored.known) / 2)[doubtful])
    np.testing.assert_array_equal(found.probabilities[~doubtful], straight.probabilities[~doubtful])


@pytest.mark.parametrize("given", ["", "often", "0,9"])
def test_metadata_that_are_no_number_are_an_error(classifier: Classifier, tmp_path: Path, given: str) -> None:
    path = _with_metadata(tmp_path / "wrong.onnx", doubtful_below=given)
    with pytest.raises(InvalidModel, match="should have a number as doubtful_below"):
        Classifier(path, classifier.labels)
