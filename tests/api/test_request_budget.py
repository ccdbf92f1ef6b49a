"""The budget of a request: the images of a batch share pixels and seconds, on every route that takes several."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from tests.support.images import encoded

LARGE = encoded(Image.new("L", (300, 200), 90))  # 60,000 pixels
SMALL = encoded(Image.new("L", (200, 200), 90))  # 40,000 pixels
HUGE = encoded(Image.new("1", (6000, 6000)))  # fast to decode, for a PNG


def text(image: bytes) -> str:
    return base64.b64encode(image).decode()


def form(images: list[bytes]) -> dict[str, Any]:
    return {"url": "/classify/batch", "files": [("file", (f"{i}.png", image)) for i, image in enumerate(images)]}


def array(images: list[bytes]) -> dict[str, Any]:
    return {"url": "/classify/batch", "json": [text(image) for image in images]}


def v1(images: list[bytes]) -> dict[str, Any]:
    return {"url": "/v1/models/fashion-mnist:predict", "json": {"instances": [text(image) for image in images]}}


def v2(images: list[bytes]) -> dict[str, Any]:
    data = [text(image) for image in images]
    encoded_input = {"name": "encoded", "datatype": "BYTES", "shape": [len(images)], "data": data}
    return {"url": "/v2/models/fashion-mnist/infer", "json": {"inputs": [encoded_input]}}


def v2_binary(images: list[bytes]) -> dict[str, Any]:
    data = b"".join(len(image).to_bytes(4, "little") + image for image in images)
    parameters = {"binary_data_size": len(data)}
    encoded_input = {"name": "encoded", "datatype": "BYTES", "shape": [len(images)], "parameters": parameters}
    head = json.dumps({"inputs": [encoded_input]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return {"url": "/v2/models/fashion-mnist/infer", "content": head + data, "headers": headers}


Sending = Callable[[list[bytes]], dict[str, Any]]
BATCHES = [pytest.param(form, id="form"), pytest.param(array, id="JSON")]
ALL_OR_NOTHING = [
    pytest.param(v1, id="v1"),
    pytest.param(v2, id="v2"),
    pytest.param(v2_binary, id="v2 binary"),
]


@pytest.fixture(scope="module", params=[True, False], ids=["threads", "Lambda"])
def limited(request: pytest.FixtureRequest, classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """A client of an app with a budget of 100,000 pixels a request."""
    settings = Settings(max_batch_pixels=100_000)
    with TestClient(create_app(classifier, card, settings, offload=request.param)) as client:
        yield client


@pytest.mark.parametrize("batch", BATCHES)
def test_images_beyond_the_budget_are_to_be_sent_again(limited: TestClient, batch: Sending) -> None:
    reply = limited.post(**batch([LARGE, LARGE, SMALL, SMALL]))
    assert reply.status_code == 200
    results = reply.json()["results"]
    assert [result["status"] for result in results] == [200, 503, 200, 503]
    assert results[1]["problem"]["type"] == "urn:problem:out-of-time"
    assert "100,000 pixels" in results[1]["problem"]["detail"]


@pytest.mark.parametrize("batch", ALL_OR_NOTHING)
def test_request_beyond_the_budget_is_503_as_a_whole(limited: TestClient, batch: Sending) -> None:
    assert limited.post(**batch([LARGE, SMALL])).status_code == 200
    assert_out_of_time(limited.post(**batch([LARGE, LARGE])))


@pytest.mark.parametrize("batch", [*BATCHES, *ALL_OR_NOTHING])
def test_single_image_may_exceed_the_budget(limited: TestClient, batch: Sending) -> None:
    reply = limited.post(**batch([HUGE]))
    assert (reply.status_code, "problem" in reply.text) == (200, False)


@pytest.mark.parametrize("batch", BATCHES)
def test_refused_images_spend_nothing(limited: TestClient, batch: Sending) -> None:
    too_large, cut = encoded(Image.new("1", (8000, 8000))), HUGE[:100]
    results = limited.post(**batch([too_large, cut, b"no image", LARGE, SMALL])).json()["results"]
    assert [result["status"] for result in results] == [413, 422, 415, 200, 200]


def test_nothing_is_begun_after_the_deadline(classifier: Classifier, card: ModelCard) -> None:
    late = Settings(request_seconds=0)
    with TestClient(create_app(classifier, card, late, offload=False)) as client:
        results = client.post(**form([SMALL, SMALL])).json()["results"]
        assert [result["status"] for result in results] == [503, 503]
        assert_out_of_time(client.post("/classify", content=SMALL))
        assert_out_of_time(client.post("/huggingface", content=SMALL))
        assert_out_of_time(client.post(**v1([SMALL])))
        assert_out_of_time(client.post(**v2([SMALL])))


@pytest.mark.parametrize("batch", [*BATCHES, *ALL_OR_NOTHING])
def test_batch_of_64_huge_images_takes_seconds(client: TestClient, batch: Sending) -> None:
    image = encoded(Image.new("L", (6000, 5000)))  # one takes 0.1 s
    started = time.process_time()
    reply = client.post(**batch([image] * 64))
    assert "urn:problem:out-of-time" in reply.text
    assert time.process_time() - started < 4


def assert_out_of_time(reply: Response) -> None:
    assert (reply.status_code, reply.json()["type"]) == (503, "urn:problem:out-of-time"), reply.text
    assert int(reply.headers["retry-after"]) > 0
