"""The app on data sets: Fashion-MNIST's test images as 28x28 PNGs, and the photos."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from handler.contract import ModelInput
from handler.inference.classifier import Classifier
from tests.support.images import encoded

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module")
def test_images(datasets_dir: Path) -> Bytes:
    """All test images, (10000, 1, 28, 28)."""
    return _idx(datasets_dir, "t10k-images-idx3-ubyte", offset=16).reshape(-1, 1, 28, 28)


@pytest.fixture(scope="module")
def test_labels(datasets_dir: Path) -> Bytes:
    """Their class ids, (10000,)."""
    return _idx(datasets_dir, "t10k-labels-idx1-ubyte", offset=8)


def _idx(datasets_dir: Path, name: str, offset: int) -> Bytes:
    with gzip.open(datasets_dir / "fashion-mnist" / "FashionMNIST" / "raw" / f"{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def test_28x28_png_gets_the_result_of_its_raw_pixels(
    client: TestClient, classifier: Classifier, test_images: Bytes, test_labels: Bytes
) -> None:
    images, labels = test_images[::5], test_labels[::5]
    files = [encoded(Image.fromarray(pixels[0])) for pixels in images]
    results = [result for start in range(0, len(files), 50) for result in _batch(client, files[start : start + 50])]
    inputs = [ModelInput(views, None) for views in images[:, None]]
    expected = [classification.predictions[0] for classification in classifier.classify(inputs, top_k=1)]
    assert [result["class_id"] for result in results] == [prediction.class_id for prediction in expected]
    scores = [prediction.score for prediction in expected]
    assert [result["score"] for result in results] == pytest.approx(scores, abs=1e-5)
    assert np.mean([result["class_id"] for result in results] == labels) >= 0.93


def test_photos_are_classified(client: TestClient, datasets_dir: Path) -> None:
    photos = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))[::10]
    assert photos
    for photo in photos:
        assert _classified(client, photo.read_bytes())["score"] > 0.1


def _batch(client: TestClient, images: list[bytes]) -> list[dict[str, Any]]:
    reply = client.post("/classify/batch", files=[("file", image) for image in images])
    assert reply.status_code == 200, reply.text
    return [result["answer"] for result in reply.json()["results"]]


def _classified(client: TestClient, image: bytes) -> dict[str, Any]:
    reply = client.post("/classify", content=image)
    assert reply.status_code == 200, reply.text
    document: dict[str, Any] = reply.json()
    return document
