"""POST /classify/batch: each image gets its own result or error, in the order of the request."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard, ModelOutput, Pixels
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.cutout import CutOut
from handler.settings import Settings
from tests.support.images import encoded, trousers
from tests.support.shipped import prepare

IMAGES = [encoded(trousers(100 + 20 * i), name) for i, name in enumerate(["PNG", "JPEG", "WEBP", "GIF"])]


def text(image: bytes) -> str:
    return base64.b64encode(image).decode()


def files(images: list[bytes]) -> dict[str, Any]:
    return {"files": [("file", (f"photo {i}.png", image)) for i, image in enumerate(images)]}


BATCHES = [
    pytest.param(files, id="form"),
    pytest.param(lambda images: {"json": list(map(text, images))}, id="JSON array of strings"),
    pytest.param(lambda images: {"json": {"images": list(map(text, images))}}, id="JSON object"),
    pytest.param(lambda images: {"json": [{"image": text(image)} for image in images]}, id="JSON array of objects"),
    pytest.param(lambda images: {"content": json.dumps(list(map(text, images)))}, id="JSON without a Content-Type"),
]


@pytest.mark.parametrize("batch", BATCHES)
def test_batch_returns_the_results_of_single_requests(client: TestClient, batch: Any) -> None:
    alone = [client.post("/classify?top_k=5", content=image).json() for image in IMAGES]
    reply = client.post("/classify/batch?top_k=5", **batch(IMAGES))
    assert reply.status_code == 200, reply.text
    results = reply.json()["results"]
    assert [result["answer"] for result in results] == alone
    assert [(result["index"], result["status"]) for result in results] == [(i, 200) for i in range(len(IMAGES))]


@pytest.mark.parametrize("batch", BATCHES)
def test_broken_image_does_not_fail_the_others(client: TestClient, batch: Any) -> None:
    broken = {1: IMAGES[0][:60], 3: b"hello"}
    images = [broken.get(i, IMAGES[0]) for i in range(5)]
    results = client.post("/classify/batch", **batch(images)).json()["results"]
    assert [result["status"] for result in results] == [200, 422, 200, 415, 200]
    for index in broken:
        assert results[index]["problem"] == client.post("/classify", content=images[index]).json()


def test_batch_of_broken_images_returns_their_errors(client: TestClient) -> None:
    results = client.post("/classify/batch", json=["aGVsbG8=", "%"]).json()["results"]
    assert [result["status"] for result in results] == [415, 400]


@pytest.mark.parametrize("item", [1, None, True, [], {}, {"image": 1}, "", "data:,", "é", {"name": "a.png"}])
def test_invalid_item_does_not_fail_the_others(client: TestClient, item: Any) -> None:
    results = client.post("/classify/batch", json=[item, text(IMAGES[0])]).json()["results"]
    assert [result["status"] for result in results] == [400, 200]


def test_batch_returns_the_names_of_the_files(client: TestClient) -> None:
    form = client.post("/classify/batch", files=[("file", ("外套 1.png", IMAGES[0])), ("file", IMAGES[1])])
    assert [result["name"] for result in form.json()["results"]] == ["外套 1.png", "upload"]  # httpx's default name
    document = client.post("/classify/batch", json=[{"image": text(IMAGES[0]), "name": "a"}, text(IMAGES[1])])
    assert [result["name"] for result in document.json()["results"]] == ["a", None]


def test_half_a_surrogate_pair_in_a_name_becomes_a_question_mark(client: TestClient) -> None:
    body = json.dumps([{"image": text(IMAGES[0]), "name": "a\ud800"}])
    (result,) = client.post("/classify/batch", content=body).json()["results"]
    assert (result["name"], result["status"]) == ("a?", 200)


@pytest.mark.parametrize(
    ("sending", "status"),
    [
        pytest.param({"content": b""}, 400, id="no body"),
        pytest.param({"json": []}, 400, id="an empty array"),
        pytest.param({"json": {"images": []}}, 400, id="an object with an empty array"),
        pytest.param({"json": {"images": "aGVsbG8="}}, 400, id="a string instead of the array"),
        pytest.param({"json": {"image": "aGVsbG8="}}, 400, id="one image"),
        pytest.param({"content": IMAGES[0]}, 400, id="raw bytes"),
        pytest.param({"content": b"[1,"}, 400, id="truncated JSON"),
        pytest.param({"content": b"[" * 9_999}, 400, id="deeply nested JSON"),
        pytest.param({"json": [0] * 65}, 422, id="65 items"),
        pytest.param(files([b"x"] * 65), 422, id="65 files"),
        pytest.param({"files": {"other": IMAGES[0]}}, 400, id="a form without the field"),
    ],
)
def test_invalid_batch_returns_a_problem(client: TestClient, sending: Any, status: int) -> None:
    reply = client.post("/classify/batch", **sending)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    assert reply.json()["status"] == status


def test_batch_of_64_images_takes_one_model_run(card: ModelCard) -> None:
    class Counting(Classifier):
        batches: list[int] = []  # noqa: RUF012

        def predict(self, pixels: Pixels) -> ModelOutput:
            self.batches.append(len(pixels))
            return super().predict(pixels)

    with TestClient(create_app(Counting(MODEL_PATH, card.labels, cut_out=CutOut()), card, Settings())) as client:
        reply = client.post("/classify/batch", **files([IMAGES[0]] * 63 + [b"no image"]))
    assert len(reply.json()["results"]) == 64
    assert Counting.batches == [63 * len(prepare(IMAGES[0], 10**6).views)]  # all views of each image


def test_max_batch_images_limits_the_batch(classifier: Classifier, card: ModelCard) -> None:
    with TestClient(create_app(classifier, card, Settings(max_batch_images=2))) as client:
        assert client.post("/classify/batch", **files(IMAGES[:2])).status_code == 200
        assert client.post("/classify/batch", **files(IMAGES[:3])).status_code == 422
