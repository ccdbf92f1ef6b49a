"""The shipped model file: its card, size, operators and accuracy."""

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

pytestmark = pytest.mark.slow


def test_card_describes_the_model_file(card: ModelCard) -> None:
    model = MODEL_PATH.read_bytes()
    assert card.model_sha256 == hashlib.sha256(model).hexdigest()
    assert card.document["model"]["bytes"] == len(model)
    assert card.labels == FASHION_MNIST.labels


def test_model_file_is_small_with_int8_weights() -> None:
    assert MODEL_PATH.stat().st_size <= 320 * 1024
    weights = [tensor for tensor in onnx.load(MODEL_PATH).graph.initializer if len(tensor.dims) in (2, 4)]
    in_float = [tensor for tensor in weights if tensor.data_type != TensorProto.INT8]
    assert len(weights) > 10
    assert [list(tensor.dims) for tensor in in_float] == [[10, 72]]  # of the activation maps, which few requests need


def test_model_is_quantized_and_optimizing_it_changes_no_output(classifier: Classifier) -> None:
    operators = [node.op_type for node in onnx.load(MODEL_PATH).graph.node]
    assert operators.count("QLinearConv") > 10
    assert "Conv" not in operators
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28), np.uint8)
    optimized = ort.InferenceSession(MODEL_PATH, providers=["CPUExecutionProvider"])
    (expected,) = optimized.run(["probabilities"], {"images": images})
    np.testing.assert_allclose(classifier.outputs(images, "probabilities")[0], expected, atol=1e-6)


@pytest.mark.usefixtures("datasets_dir")
def test_accuracy_in_plain_onnxruntime_is_at_least_93_percent(tmp_path: Path) -> None:
    download(FASHION_MNIST, tmp_path)
    test = FASHION_MNIST.torchvision_class(tmp_path, train=False)
    session = ort.InferenceSession(MODEL_PATH, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"images": test.data.unsqueeze(1).numpy()})
    assert probabilities.shape == (10_000, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == test.targets.numpy()).mean() >= 0.93
