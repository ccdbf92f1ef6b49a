"""The model under its second name, for stock clients of image classifiers; the thresholds in its configuration."""

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier, read_card
from handler.settings import Settings
from tests.support.images import encoded
from tests.support.machine import PROJECT
from tests.support.tensor_requests import INFER, MODEL, PNG, binary, document, files, text

SAMPLES = PROJECT / "handler" / "static" / "samples"
VERSION = read_card().document["version"]
WHOLE_IMAGES = f"{MODEL}-images"


@pytest.mark.parametrize("model", [WHOLE_IMAGES, f"{WHOLE_IMAGES}/versions/{VERSION}"], ids=["model", "version"])
def test_second_name_lists_one_input_and_one_output(client: TestClient, model: str) -> None:
    assert client.get(f"{model}/ready").json() == {"name": "fashion-mnist-images", "ready": True}
    assert client.get(model).json() == {
        "name": "fashion-mnist-images",
        "versions": [VERSION],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "rgb", "datatype": "UINT8", "shape": [-1, 160, 160, 3]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}],
    }
    config = client.get(f"{model}/config").json()
    assert config["input"] == [
        {"name": "rgb", "data_type": "TYPE_UINT8", "dims": [160, 160, 3], "format": "FORMAT_NHWC"}
    ]


def test_config_has_the_thresholds_of_known_and_confident(classifier: Classifier, card: ModelCard) -> None:
    own = Classifier(MODEL_PATH, classifier.labels, known_threshold=0.125, confident_threshold=0.75)
    for app, known, confident in (
        (create_app(classifier, card, Settings()), card.known_threshold, card.confident_threshold),
        (create_app(own, card, Settings()), 0.125, 0.75),
    ):
        given = TestClient(app).get(f"{MODEL}/config").json()["parameters"]
        assert {name: float(value["string_value"]) for name, value in given.items()} == {
            "known_threshold": known,
            "confident_threshold": confident,
        }


def test_whole_images_as_pixels_get_the_scores_of_image_files(client: TestClient) -> None:
    images = [Image.open(SAMPLES / f"{name}.jpg").convert("RGB").resize((160, 160)) for name in ("t-shirt", "bag")]
    pixels = np.stack([np.asarray(image) for image in images])
    rgb = {"name": "rgb", "datatype": "UINT8", "shape": list(pixels.shape)}
    (of_pixels,) = client.post(f"{WHOLE_IMAGES}/infer", **binary(rgb, pixels.tobytes())).json()["outputs"]
    sent = document(files([2], data=[text(encoded(image, "PNG")) for image in images]))
    assert of_pixels == client.post(INFER, **sent).json()["outputs"][0]


def test_each_name_takes_every_input_and_returns_the_outputs_that_it_lists(client: TestClient) -> None:
    rgb = {"name": "rgb", "datatype": "UINT8", "shape": [1, 160, 160, 3]}
    for model, expected in ((MODEL, ["probabilities", "known"]), (WHOLE_IMAGES, ["probabilities"])):
        for sent in (document(), binary(rgb, bytes(76_800)), {"content": PNG}):
            reply = client.post(f"{model}/infer", **sent).json()
            assert reply["model_name"] == model.rpartition("/")[2]
            assert [output["name"] for output in reply["outputs"]] == expected
