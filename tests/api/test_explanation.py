"""Explanations: the pixels that the model got, their place in the image, and the activation map."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from handler.contract import Frame, ModelInput
from handler.inference.classifier import Classifier
from tests.support.images import encoded, trousers
from tests.support.shipped import prepare


def explanation(client: TestClient, image: bytes) -> Any:
    return client.post("/classify?explain=true", content=image).json()["explanation"]


def garment(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A dark rectangle on a white background."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(40, 40, 90))
    return image


def test_explain_returns_the_same_predictions(client: TestClient, png: bytes) -> None:
    explained = client.post("/classify?explain=true&top_k=5", content=png).json()
    assert set(explained.pop("explanation")) == {"pixels", "activation_map", "view", "foreground"}
    assert explained == client.post("/classify?top_k=5", content=png).json()


def test_explanation_pixels_are_the_model_input(client: TestClient, png: bytes) -> None:
    encoded_pixels = explanation(client, png)["pixels"].removeprefix("data:image/png;base64,")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded_pixels))))
    assert np.array_equal(shown, prepare(png, 10**6).views[0, 0])


@pytest.mark.parametrize(
    ("size", "box", "view"),
    [
        pytest.param((400, 400), (100, 50, 300, 350), Frame(0.125, 0.125, 0.75, 0.75), id="tall, in the middle"),
        pytest.param((400, 200), (40, 80, 360, 120), Frame(0.1, -0.3, 0.8, 1.6), id="wide: exceeds the image"),
        pytest.param((200, 400), (20, 200, 120, 300), Frame(0.1, 0.5, 0.5, 0.25), id="square, at a corner"),
        pytest.param((2000, 2000), (500, 250, 1500, 1750), Frame(0.125, 0.125, 0.75, 0.75), id="large"),
    ],
)
def test_view_is_the_square_around_the_garment(
    size: tuple[int, int], box: tuple[int, int, int, int], view: Frame
) -> None:
    found = prepare(encoded(garment(size, box)), 10**7).frame
    parts = [(found.left, view.left), (found.top, view.top), (found.width, view.width), (found.height, view.height)]
    assert [one for one, _ in parts] == pytest.approx([other for _, other in parts], abs=0.05)


def test_view_of_a_28x28_grey_image_is_the_whole_image() -> None:
    assert prepare(encoded(trousers(28)), 10**6).frame == Frame(0, 0, 1, 1)


def test_activation_map_is_dark_where_the_image_is_empty(classifier: Classifier) -> None:
    classification, heat = classifier.explain(prepare(encoded(trousers()), 10**6), 1)
    assert classification.predictions[0].class_id == 1
    assert heat.shape == (7, 7)
    assert (heat.min() >= 0, heat.max()) == (True, 1)
    assert heat[:, 1:6].mean() > 2 * heat[:, [0, 6]].mean()  # trousers leave both sides empty


def test_activation_map_of_a_mirrored_image_is_mirrored(classifier: Classifier) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 1, 28, 28), np.uint8)
    straight, mirrored = (classifier.explain(ModelInput(one, None), 1)[1] for one in (pixels, pixels[..., ::-1].copy()))
    assert mirrored[:, ::-1] == pytest.approx(straight, abs=0.1)


def test_logits_are_the_means_of_the_activation_maps(classifier: Classifier, png: bytes) -> None:
    probabilities, _, maps = classifier.outputs(prepare(png, 10**6).views[:1])
    means = maps.mean(axis=(2, 3))
    assert probabilities.argmax() == means.argmax()
    assert np.corrcoef(means[0], np.log(probabilities[0]))[0, 1] > 0.99


def test_foreground_is_a_small_mask_over_the_whole_image(client: TestClient) -> None:
    image = encoded(garment((400, 200), (100, 50, 300, 150)))
    url = explanation(client, image)["foreground"].removeprefix("data:image/png;base64,")
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(url))))
    assert mask.shape[1] == 2 * mask.shape[0] <= 64
    rows, columns = np.nonzero(mask)
    bounds = [rows.min() / mask.shape[0], rows.max() / mask.shape[0], columns.min() / 64, columns.max() / 64]
    assert bounds == pytest.approx([0.25, 0.75, 0.25, 0.75], abs=0.08)
