"""The app on real data: Fashion-MNIST's test images as 28x28 PNGs, and photos that people took of their clothes."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from handler.inference.classifier import Classifier
from tests.support.pictures import encoded

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module")
def test_images(datasets_dir: Path) -> Bytes:
    """(10000, 1, 28, 28)"""
    return _idx(datasets_dir, "t10k-images-idx3-ubyte", offset=16).reshape(-1, 1, 28, 28)


@pytest.fixture(scope="module")
def test_labels(datasets_dir: Path) -> Bytes:
    """(10000,)"""
    return _idx(datasets_dir, "t10k-labels-idx1-ubyte", offset=8)


def _idx(datasets_dir: Path, name: str, offset: int) -> Bytes:
    with gzip.open(datasets_dir / "fashion-mnist" / "FashionMNIST" / "raw" / f"{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def test_a_28x28_png_gets_the_answer_of_its_raw_pixels(
    client: TestClient, classifier: Classifier, test_images: Bytes, test_labels: Bytes
) -> None:
    some, right = test_images[::5], 0
    classified = classifier.classify(list(some[:, None]), top_k=1)
    for pixels, classification, label in zip(some, classified, test_labels[::5], strict=True):
        reply = _classified(client, encoded(Image.fromarray(pixels[0])))
        (prediction,) = classification.predictions
        assert reply["class_id"] == prediction.class_id
        assert reply["score"] == pytest.approx(prediction.score, abs=1e-5)
        right += reply["class_id"] == label
    assert right / len(some) >= 0.93


def test_photos_are_classified(client: TestClient, datasets_dir: Path) -> None:
    photos = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))[::10]
    assert photos
    for photo in photos:
        assert _classified(client, photo.read_bytes())["score"] > 0.1


def _classified(client: TestClient, image: bytes) -> dict[str, Any]:
    reply = client.post("/classify", content=image)
    assert reply.status_code == 200, reply.text
    document: dict[str, Any] = reply.json()
    return document
