"""The shipped model: what it is, and what it takes."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from model_build.datasets.mnist import FASHION_MNIST, download


def test_the_card_belongs_to_the_model(card: ModelCard) -> None:
    model = MODEL_PATH.read_bytes()
    assert card.model_sha256 == hashlib.sha256(model).hexdigest()
    assert card.document["model"]["bytes"] == len(model)
    assert card.labels == FASHION_MNIST.labels


def test_the_model_is_small_and_its_weights_are_int8() -> None:
    assert MODEL_PATH.stat().st_size <= 256 * 1024
    weights = [tensor for tensor in onnx.load(MODEL_PATH).graph.initializer if len(tensor.dims) in (2, 4)]
    in_float = [tensor for tensor in weights if tensor.data_type != TensorProto.INT8]
    assert len(weights) > 10
    assert [list(tensor.dims) for tensor in in_float] == [[10, 64]]  # of activation maps, which are seldom asked for


def test_the_model_is_ready_to_run_and_onnxruntime_would_change_no_answer(classifier: Classifier) -> None:
    operators = [node.op_type for node in onnx.load(MODEL_PATH).graph.node]
    assert operators.count("QLinearConv") > 10
    assert "Conv" not in operators
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28), np.uint8)
    optimized = ort.InferenceSession(MODEL_PATH, providers=["CPUExecutionProvider"])
    (expected,) = optimized.run(["probabilities"], {"images": images})
    np.testing.assert_allclose(classifier.probabilities(images), expected, atol=1e-6)


@pytest.mark.usefixtures("datasets_dir")
def test_plain_onnxruntime_gets_93_percent_of_the_test_images_right(tmp_path: Path) -> None:
    download(FASHION_MNIST, tmp_path)
    test = FASHION_MNIST.torchvision_class(tmp_path, train=False)
    session = ort.InferenceSession(MODEL_PATH, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"images": test.data.unsqueeze(1).numpy()})
    assert probabilities.shape == (10_000, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == test.targets.numpy()).mean() >= 0.93


def test_a_batch_gives_what_its_images_give_alone(classifier: Classifier) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 28, 28), np.uint8)
    alone = np.concatenate([classifier.probabilities(image[np.newaxis]) for image in images])
    np.testing.assert_array_equal(classifier.probabilities(images), alone)


@pytest.mark.parametrize("top_k", [1, 3, 10])
def test_the_likeliest_class_comes_first(classifier: Classifier, top_k: int) -> None:
    (classification,) = classifier.classify([np.full((1, 1, 28, 28), 99, np.uint8)], top_k)
    scores = [prediction.score for prediction in classification.predictions]
    assert len(scores) == top_k
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(np.zeros((1, 28, 28, 1), np.uint8), id="channels last"),
        pytest.param(np.zeros((1, 3, 28, 28), np.uint8), id="three channels"),
        pytest.param(np.zeros((28, 28), np.uint8), id="no batch"),
        pytest.param(np.zeros((1, 1, 28, 28), np.float32), id="floats"),
    ],
)
def test_an_array_of_another_shape_or_type_is_refused_by_name(classifier: Classifier, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"takes uint8 pixels of shape \(N, 1, 28, 28\), but got"):
        classifier.probabilities(wrong)
