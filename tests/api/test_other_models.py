"""Models of other sides, channels and classes, through every protocol, with the stock clients where there are some."""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from huggingface_hub import InferenceClient
from PIL import Image
from starlette.testclient import TestClient
from tritonclient import http as triton  # type: ignore[import-untyped]  # it ships no annotations

from handler.api.app import create_app
from handler.contract import InputFormat, ModelCard
from handler.inference.classifier import Classifier, load_model
from handler.settings import Settings
from tests.support.images import encoded
from tests.support.machine import free_port
from tests.support.other_models import colour_of, write_model

MODELS = {
    "3 classes, 96 pixels in colour": (InputFormat(96, 3, "resize"), 3),
    "37 classes, 64 pixels in colour": (InputFormat(64, 3, "resize"), 37),
    "10 classes, 28 grey pixels": (InputFormat(28, 1, "resize"), 10),
    "2 classes, 48 pixels in colour": (InputFormat(48, 3, "resize"), 2),
    "5 classes, 32 grey pixels, cut out": (InputFormat(32, 1, "cut-out"), 5),
}
NAME = "my shop"


@dataclass(frozen=True)
class Model:
    """A model, and an image of its second class in the size of its input."""

    classifier: Classifier
    card: ModelCard

    @property
    def image(self) -> Image.Image:
        form = self.card.input
        colour = colour_of(1, form, len(self.card.labels))
        mode = "L" if form.channels == 1 else "RGB"
        return Image.new(mode, (form.side, form.side), colour[0] if form.channels == 1 else colour)

    @property
    def pixels(self) -> np.ndarray:
        values = np.asarray(self.image)
        return values[np.newaxis] if values.ndim == 2 else values.transpose(2, 0, 1)


@pytest.fixture(scope="module", params=list(MODELS.values()), ids=list(MODELS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    form, classes = request.param
    return Model(*load_model(write_model(tmp_path_factory.mktemp("model"), form, classes)))


@pytest.fixture(scope="module")
def client(model: Model) -> Iterator[TestClient]:
    with TestClient(create_app(model.classifier, model.card, Settings())) as client:
        yield client


@pytest.fixture(scope="module")
def address(model: Model) -> Iterator[str]:
    """Host and port of a real server."""
    app = create_app(model.classifier, model.card, Settings())
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    yield f"127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


def test_classify_names_the_class_and_limits_top_k_to_the_classes(client: TestClient, model: Model) -> None:
    classes = len(model.card.labels)
    answer = client.post(f"/classify?top_k={classes}", content=encoded(model.image)).json()
    assert (answer["label"], answer["class_id"]) == (model.card.labels[1].english, 1)
    assert sum(guess["score"] for guess in answer["predictions"]) == pytest.approx(1, abs=1e-4)
    assert len(answer["predictions"]) == classes
    assert client.post(f"/classify?top_k={classes + 1}", content=encoded(model.image)).status_code == 422


def test_batch_answers_as_one_image_alone(client: TestClient, model: Model) -> None:
    photo = encoded(model.image.resize((150, 100)), "JPEG")
    alone = client.post("/classify", content=photo).json()
    text = base64.b64encode(photo).decode()
    assert [row["answer"] for row in client.post("/classify/batch", json=[text] * 3).json()["results"]] == [alone] * 3


def test_explanation_shows_what_the_model_sees(client: TestClient, model: Model) -> None:
    photo = encoded(model.image.resize((150, 100)))
    explanation = client.post("/classify?explain=true", content=photo).json()["explanation"]
    assert np.array(explanation["activation_map"]).shape == (7, 7)
    if model.card.input.preprocessing == "resize":
        assert "foreground" not in explanation
        assert explanation["view"] == {"left": 0, "top": -0.25, "width": 1, "height": 1.5}
    else:
        assert explanation["foreground"].startswith("data:image/png")


def test_labels_and_card_say_what_the_model_is(client: TestClient, model: Model) -> None:
    labels = client.get("/labels").json()
    assert labels["title"] == {"english": "things", "chinese": "东西"}
    assert labels["input"]["side"] == model.card.input.side
    assert [row["english"] for row in labels["labels"]] == [label.english for label in model.card.labels]
    assert client.get("/model").json()["name"] == NAME
    assert "things" in client.get("/").text.lower()


def test_pages_of_other_models_show_nothing_of_clothes(client: TestClient) -> None:
    pages = [client.get(path).text for path in ("/", "/about", "/docs", "/manifest.webmanifest")]
    for page in pages:
        assert not re.search(r"clothes|samples|trousers|sneaker|M8 2 2 5|/icon\.svg", page, re.IGNORECASE)
    for page in (pages[0], pages[1], pages[3]):
        assert client.get(re.findall(r"static/\w+/image\.svg", page)[0]).headers["content-type"] == "image/svg+xml"


def test_kserve_v1_takes_files_and_numbers(client: TestClient, model: Model) -> None:
    instances = [base64.b64encode(encoded(model.image)).decode(), np.asarray(model.image).tolist()]
    reply = client.post(f"/v1/models/{NAME}:predict", json={"instances": instances})
    first, second = reply.json()["predictions"]
    assert first == second
    assert (first["class_id"], len(first["probabilities"])) == (1, len(model.card.labels))


def test_numbers_of_another_size_are_refused_with_the_right_one(client: TestClient, model: Model) -> None:
    reply = client.post(f"/v1/models/{NAME}:predict", json={"instances": [[[1, 2], [3, 4]]]})
    assert reply.status_code == 400
    assert str(model.card.input.side) in reply.json()["detail"]


def test_openapi_has_the_models_numbers(client: TestClient, model: Model) -> None:
    document = client.get("/openapi.json").json()
    parameters = {each["name"]: each for each in document["paths"]["/classify"]["post"]["parameters"]}
    assert parameters["top_k"]["schema"]["maximum"] == len(model.card.labels)
    assert parameters["top_k"]["schema"]["default"] <= len(model.card.labels)
    body = document["paths"]["/classify"]["post"]["requestBody"]["content"]
    for content in (body["application/json"], body["multipart/form-data"]):
        assert content["schema"]["properties"]["top_k"]["maximum"] == len(model.card.labels)
    assert client.post("/classify", json=body["application/json"]["example"]).status_code == 200
    if len(model.card.labels) != 10:
        assert "Ankle boot" not in json.dumps(document)


def test_triton_infers_from_pixels_and_files(address: str, model: Model) -> None:
    with triton.InferenceServerClient(address) as client:
        metadata = client.get_model_metadata(NAME)
        images, encoded_files = (each["name"] for each in metadata["inputs"])
        assert metadata["inputs"][0]["shape"] == [-1, *model.card.input.shape]
        pixels = model.pixels[np.newaxis]
        file = np.array([encoded(model.image)], object)
        ways: list[Any] = [
            triton.InferInput(images, list(pixels.shape), "UINT8").set_data_from_numpy(pixels),
            triton.InferInput(images, list(pixels.shape), "UINT8").set_data_from_numpy(pixels, binary_data=False),
            triton.InferInput(encoded_files, [1], "BYTES").set_data_from_numpy(file),
        ]
        found = [client.infer(NAME, [way]).as_numpy("probabilities") for way in ways]
        outputs = [triton.InferRequestedOutput("probabilities", class_count=1)]
        (text,) = client.infer(NAME, [ways[0]], outputs=outputs).as_numpy("probabilities").ravel()
    assert found[0].shape == (1, len(model.card.labels))
    assert all(np.array_equal(found[0], each) for each in found)
    assert text.decode().split(":")[1:] == ["1", model.card.labels[1].english]


def test_whole_images_have_the_side_that_the_metadata_says(client: TestClient, model: Model) -> None:
    (given,) = client.get(f"/v2/models/{NAME}-images").json()["inputs"]
    side = given["shape"][1]
    colour = model.image.convert("RGB").resize((side, side))
    tensor = {**given, "shape": [1, side, side, 3], "parameters": {"binary_data_size": side * side * 3}}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "known"}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    reply = client.post(f"/v2/models/{NAME}-images/infer", content=head + colour.tobytes(), headers=headers)
    assert reply.status_code == 200, reply.text


def test_hugging_face_client_gets_the_label(address: str, model: Model) -> None:
    first, *_ = InferenceClient().image_classification(encoded(model.image), model=f"http://{address}/huggingface")
    assert first.label == model.card.labels[1].english


def test_correction_names_the_class(model: Model, tmp_path: Path) -> None:
    app = create_app(model.classifier, model.card, Settings(corrections=str(tmp_path)))
    with TestClient(app) as client:
        assert client.post("/corrections?class_id=1", content=encoded(model.image)).json()["label"] == "große Kreuze"
    assert [path.name for path in tmp_path.iterdir()] == ["große-kreuze"]
