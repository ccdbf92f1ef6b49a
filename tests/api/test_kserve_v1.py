"""KServe protocol version 1: every form of an instance; an invalid instance fails the request."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from handler.api.routes.kserve_v1 import Predictions
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.shipped import prepare

MODEL = "/v1/models/fashion-mnist"
PREDICT = f"{MODEL}:predict"

PNG = encoded(trousers(28))  # of the model's input size, so that its pixels can be sent as numbers
TEXT = base64.b64encode(PNG).decode()
PIXELS = prepare(PNG, 10**6).views[0, 0].tolist()

INSTANCES: dict[str, Any] = {
    "text": TEXT,
    "data URL": f"data:image/png;base64,{TEXT}",
    "b64": {"b64": TEXT},
    "b64 of an image": {"image": {"b64": TEXT}},
    "b64 of image_bytes": {"image_bytes": {"b64": TEXT}},
    "text as data": {"data": TEXT},
    "text as an image": {"image": TEXT},
    "28x28 numbers": PIXELS,
    "1x28x28 numbers": [PIXELS],
    "numbers as 3.0": np.array(PIXELS, float).tolist(),
    "numbers as an image": {"image": PIXELS},
}


def test_get_model_returns_name_and_readiness(client: TestClient) -> None:
    assert client.get("/v1/models").json() == {"models": ["fashion-mnist"]}
    assert client.get(MODEL).json() == {"name": "fashion-mnist", "ready": True}


@pytest.mark.parametrize("list_name", ["instances", "inputs"])
def test_predict_returns_the_results_of_classify(client: TestClient, list_name: str) -> None:
    reply = client.post(PREDICT, content=json.dumps({list_name: [*INSTANCES.values()]}))
    assert reply.status_code == 200, reply.text
    answer = client.post("/classify", content=PNG).json()
    everything = client.post("/classify?top_k=10", content=PNG).json()["predictions"]
    expected = answer | {
        "probabilities": [guess["score"] for guess in sorted(everything, key=lambda guess: guess["class_id"])]
    }
    assert dict(zip(INSTANCES, reply.json()["predictions"], strict=True)) == dict.fromkeys(INSTANCES, expected)
    Predictions.model_validate_json(reply.content)


@pytest.mark.parametrize("key", ["1", "", 7, "裤 \ud800"], ids=repr)
@pytest.mark.parametrize("instance", [{"b64": TEXT}, {"image_bytes": {"b64": TEXT}}], ids=["b64", "image_bytes"])
def test_predict_returns_the_key_of_an_instance(client: TestClient, instance: dict[str, Any], key: Any) -> None:
    reply = client.post(PREDICT, content=json.dumps({"instances": [instance, {**instance, "key": key}]}))
    without, with_key = reply.json()["predictions"]
    assert "key" not in without
    assert with_key == {**without, "key": key}


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        pytest.param(b"hello", 415, id="no image"),
        pytest.param(PNG[:60], 422, id="damaged"),
        pytest.param(png_that_claims(60_000, 60_000), 413, id="too many pixels"),
    ],
)
def test_broken_instance_fails_the_request_with_its_status(client: TestClient, broken: bytes, status: int) -> None:
    reply = client.post(PREDICT, json={"instances": [TEXT, base64.b64encode(broken).decode(), TEXT]})
    assert reply.status_code == status
    assert reply.json()["error"].startswith("instance 1: ")


def test_unknown_model_is_404(client: TestClient) -> None:
    for reply in (client.get("/v1/models/other"), client.post("/v1/models/other:predict", json={"instances": [TEXT]})):
        assert (reply.status_code, reply.json()["error"]) == (
            404,
            "no model 'other'; the only model is 'fashion-mnist'",
        )


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", PREDICT, "POST"), ("PUT", PREDICT, "POST"), ("POST", MODEL, "GET, HEAD")]
)
def test_wrong_method_is_405_with_allow(client: TestClient, method: str, path: str, allowed: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


def instance(value: Any) -> str:
    return json.dumps({"instances": [TEXT, value]})


HOSTILE: dict[str, tuple[str | bytes, int, str]] = {
    "empty": (b"", 400, "is empty"),
    "an image": (PNG, 400, "not valid JSON"),
    "text": ('"hello"', 400, '{"instances": [...]}'),
    "array": (json.dumps([TEXT]), 400, '{"instances": [...]}'),
    "object": ("{}", 400, '{"instances": [...]}'),
    "instances: null": ('{"instances": null}', 400, '{"instances": [...]}'),
    "instances: string": (json.dumps({"instances": TEXT}), 400, '{"instances": [...]}'),
    "instances and inputs": (json.dumps({"instances": [TEXT], "inputs": [TEXT]}), 400, '{"instances": [...]}'),
    "none": ('{"instances": []}', 400, "'instances' has no images"),
    "65": (json.dumps({"inputs": [TEXT] * 65}), 422, "'inputs' has 65 images, more than the maximum of 64"),
    "deeply nested JSON": ('{"instances": ' + "[" * 50_000, 400, "not valid JSON"),
    "too many values": ('{"instances": [' + "0," * 5_000_000 + "0]}", 400, "more than"),
    "too many bytes": (b" " * 20_000_001, 413, "larger than"),
    "null": (instance(None), 400, "'instances[1]' should be"),
    "number": (instance(7), 400, "'instances[1]' should be"),
    "true": (instance(True), 400, "'instances[1]' should be"),
    "empty string": (instance(""), 400, "'instances[1]' is empty"),
    "no base64": (instance("!"), 400, "'instances[1]' is not valid base64"),
    "half a surrogate pair": (instance("\ud800"), 400, "'instances[1]' is not valid base64"),
    "empty object": (instance({}), 400, "'instances[1]' should have exactly one of"),
    "two images": (instance({"image": TEXT, "data": TEXT}), 400, "'instances[1]' should have exactly one of"),
    "b64: number": (instance({"b64": 7}), 400, "'instances[1]' should be"),
    "b64: null": (instance({"image": {"b64": None}}), 400, "'instances[1].image' should be"),
    "image: null": (instance({"image": None}), 400, "'instances[1].image' should be"),
    "b64 in b64": (instance({"image": {"b64": {"b64": TEXT}}}), 400, "'instances[1].image' should be"),
    "key: object": (instance({"b64": TEXT, "key": {}}), 400, "the key of 'instances[1]'"),
    "key: NaN": (instance({"b64": TEXT, "key": float("nan")}), 400, "the key of 'instances[1]'"),
    "key: true": (instance({"b64": TEXT, "key": True}), 400, "the key of 'instances[1]'"),
    "no numbers": (instance([]), 400, "'instances[1]'"),
    "784 numbers": (instance([0] * 784), 400, "'instances[1]' should be 28 rows of 28 numbers"),
    "27 rows": (instance(PIXELS[:27]), 400, "'instances[1]': expected 784 values for shape [28, 28], got 756"),
    "a ragged row": (
        instance([*PIXELS[:27], [0] * 27]),
        400,
        "'instances[1]': the nested data does not have the shape [28, 28]",
    ),
    "three channels": (instance([PIXELS] * 3), 400, "'instances[1]': expected 784 values for shape [28, 28], got 84"),
    "channels last": (instance([[[0]] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "1.5": (instance([[1.5] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "256": (instance([[256] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "-1": (instance([[-1] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "NaN": (instance([[float("nan")] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "Infinity": (instance([[float("inf")] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "strings for numbers": (instance([["1"] * 28] * 28), 400, "'instances[1]' should have whole numbers"),
    "more digits than Python reads": ('{"instances": [' + "9" * 5000 + "]}", 400, "not valid JSON"),
}


@pytest.mark.parametrize(("body", "status", "message"), HOSTILE.values(), ids=HOSTILE)
def test_invalid_request_returns_a_problem(client: TestClient, body: str | bytes, status: int, message: str) -> None:
    reply = client.post(PREDICT, content=body)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert message in reply.json()["error"]
    assert len(reply.json()["error"]) < 500
