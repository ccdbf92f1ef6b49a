"""Open Inference Protocol version 2, with Triton's binary tensor and classification extensions."""

import gzip
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient

from handler.api.routes.open_inference.schemas import Inference
from handler.contract import ModelCard, Pixels
from handler.http_entry import handler
from handler.inference.classifier import read_card
from tests.support.gateway_events import Sent, function_url_event, http_api_event, reply_body, rest_event
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.shipped import prepare
from tests.support.tensor_requests import INFER, LENGTH, MODEL, PNG, binary, document, elements, files, images, text

VERSION = read_card().document["version"]
# Of the model's input size, so that they can also be sent as pixels.
FILES = [encoded(trousers(28).rotate(90 * i), name) for i, name in enumerate(["PNG", "BMP", "TIFF"])]
PIXELS: Pixels = np.concatenate([prepare(file, 10**6).views for file in FILES])


def outputs_of(reply: httpx2.Response) -> dict[str, Any]:
    """The output tensors by name, as arrays, of a JSON or binary response."""
    length = reply.headers.get(LENGTH)
    head, data = (
        (reply.content, b"") if length is None else (reply.content[: int(length)], reply.content[int(length) :])
    )
    arrays = {}
    for output in json.loads(head)["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        values = output["data"] if size is None else np.frombuffer(data[:size], "<f4")
        data = data[size or 0 :]
        arrays[output["name"]] = np.array(values, np.float32).reshape(output["shape"])
    assert data == b""
    return arrays


def test_server_metadata_lists_extensions_and_models(client: TestClient, card: ModelCard) -> None:
    server = client.get("/v2").json()
    assert server["extensions"] == ["binary_tensor_data", "classification", "model_configuration"]
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    names = [card.document["name"], "fashion-mnist-images"]
    assert client.get("/v2/models").json() == {"models": names}
    state = {"version": VERSION, "state": "READY", "reason": ""}
    assert client.post("/v2/repository/index").json() == [{"name": name, **state} for name in names]


@pytest.mark.parametrize("model", [MODEL, f"{MODEL}/versions/{VERSION}"], ids=["model", "version"])
def test_model_metadata_lists_inputs_and_outputs(client: TestClient, model: str) -> None:
    assert client.get(f"{model}/ready").json() == {"name": "fashion-mnist", "ready": True}
    assert client.get(f"{model}/config").json()["max_batch_size"] == 64
    assert client.get(model).json() == {
        "name": "fashion-mnist",
        "versions": [VERSION],
        "platform": "onnx_onnxv1",
        "inputs": [
            {"name": "images", "datatype": "UINT8", "shape": [-1, 1, 28, 28]},
            {"name": "encoded", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "known", "datatype": "FP32", "shape": [-1]},
        ],
    }


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_server_metadata_is_returned_without_a_redirect(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("rest", ["", "/ready", "/config", "/infer"])
@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param("/v2/models/other", "no model 'other'", id="model"),
        pytest.param(f"/v2/models/other/versions/{VERSION}", "no model 'other'", id="model with a version"),
        pytest.param(f"{MODEL}/versions/2", "no version '2' of 'fashion-mnist'", id="version"),
        pytest.param(f"{MODEL}/versions/1.0", "no version '1.0' of 'fashion-mnist'", id="version with a point"),
    ],
)
def test_unknown_model_or_version_is_404(client: TestClient, model: str, rest: str, message: str) -> None:
    reply = client.post(f"{model}{rest}", **document()) if rest == "/infer" else client.get(f"{model}{rest}")
    assert reply.status_code == 404
    assert message in reply.json()["error"]


SENDINGS: dict[str, dict[str, Any]] = {
    "pixels, nested": document(images(data=PIXELS.tolist())),
    "pixels, flat": document(images(data=PIXELS.ravel().tolist())),
    "pixels, as bytes": binary(images(), PIXELS.tobytes()),
    "files": document(files([3], data=[text(file) for file in FILES])),
    "files as data URLs": document(files([3], data=[f"data:image/x;base64,{text(file)}" for file in FILES])),
    "files, [N, 1]": document(files([3, 1], data=[[text(file)] for file in FILES])),
    "files, as bytes": binary(files([3]), elements(*FILES)),
    "files, base64 as bytes": binary(
        files([3], parameters={"content_type": "base64", "binary_data_size": sum(4 + len(text(f)) for f in FILES)}),
        elements(*(text(file).encode() for file in FILES)),
    ),
    "gzip": {"content": gzip.compress(document(images(data=PIXELS.tolist()))["content"].encode())},
}
SENDINGS["gzip"]["headers"] = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("sending", SENDINGS.values(), ids=SENDINGS)
@pytest.mark.parametrize("path", [INFER, f"{MODEL}/versions/{VERSION}/infer"], ids=["model", "version"])
def test_infer_returns_the_scores_of_classify(client: TestClient, path: str, sending: dict[str, Any]) -> None:
    reply = client.post(path, **sending)
    assert reply.status_code == 200, reply.text
    alone = [client.post("/classify?top_k=10", content=file).json() for file in FILES]
    outputs = outputs_of(reply)
    assert outputs["known"].tolist() == [np.float32(answer["known_score"]) for answer in alone]
    by_class = [sorted(answer["predictions"], key=lambda guess: guess["class_id"]) for answer in alone]
    assert outputs["probabilities"].tolist() == [[np.float32(guess["score"]) for guess in row] for row in by_class]
    Inference.model_validate_json(reply.content)


RAW: dict[str, tuple[bytes, dict[str, str]]] = {
    "pixels": (PIXELS[0].tobytes(), {LENGTH: "0"}),
    "file": (FILES[0], {LENGTH: "0"}),
    "file without the header": (FILES[0], {}),
}


@pytest.mark.parametrize(("body", "headers"), RAW.values(), ids=RAW)
def test_body_may_be_one_image(client: TestClient, body: bytes, headers: dict[str, str]) -> None:
    outputs = outputs_of(client.post(INFER, content=body, headers=headers))
    expected = outputs_of(client.post(INFER, **document(images([1, 1, 28, 28], data=PIXELS[0].ravel().tolist()))))
    assert {name: output.tolist() for name, output in outputs.items()} == {
        name: output.tolist() for name, output in expected.items()
    }


def test_infer_returns_the_id_of_the_request(client: TestClient) -> None:
    assert client.post(INFER, **document(id="a \ud800 裤")).json()["id"] == "a \ud800 裤"
    assert "id" not in client.post(INFER, **document()).json()


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param({}, ["probabilities", "known"], id="not given"),
        pytest.param({"outputs": []}, ["probabilities", "known"], id="empty"),
        pytest.param({"outputs": [{"name": "known"}]}, ["known"], id="one"),
        pytest.param(
            {"outputs": [{"name": "known"}, {"name": "probabilities"}]}, ["known", "probabilities"], id="both"
        ),
    ],
)
def test_requested_outputs_are_returned_in_that_order(client: TestClient, asked: Any, names: list[str]) -> None:
    reply = client.post(INFER, **document(**asked))
    assert [output["name"] for output in reply.json()["outputs"]] == names
    assert list(outputs_of(client.post(INFER, **document(**asked, parameters={"binary_data_output": True})))) == names


ALL_BINARY = {"binary_data_output": True}


@pytest.mark.parametrize(
    ("parameters", "outputs", "binary_ones"),
    [
        pytest.param({}, [{}, {}], [], id="JSON by default"),
        pytest.param(ALL_BINARY, [{}, {}], ["probabilities", "known"], id="all binary"),
        pytest.param({}, [{"binary_data": True}, {}], ["probabilities"], id="one binary"),
        pytest.param(ALL_BINARY, [{"binary_data": False}, {}], ["known"], id="all but one binary"),
        pytest.param(
            ALL_BINARY, [{"binary_data": False}, {"binary_data": False}], [], id="an output overrides the request"
        ),
    ],
)
def test_requested_outputs_are_binary(
    client: TestClient, parameters: Any, outputs: list[Any], binary_ones: list[str]
) -> None:
    named = [{"name": name, "parameters": own} for name, own in zip(("probabilities", "known"), outputs, strict=True)]
    reply = client.post(INFER, **document(parameters=parameters, outputs=named))
    assert reply.headers["content-type"] == ("application/octet-stream" if binary_ones else "application/json")
    head = json.loads(reply.content[: int(reply.headers[LENGTH])]) if binary_ones else reply.json()
    assert [output["name"] for output in head["outputs"] if "data" not in output] == binary_ones
    same = client.post(INFER, **document())
    assert {name: output.tolist() for name, output in outputs_of(reply).items()} == {
        name: output.tolist() for name, output in outputs_of(same).items()
    }


@pytest.mark.parametrize(("count", "named"), [(1, 1), (3, 3), (10, 10), (11, 10), (2**40, 10)])
def test_classification_returns_the_top_classes(client: TestClient, count: int, named: int) -> None:
    request = document(files([3], data=[text(file) for file in FILES]), outputs=[classes("probabilities", count)])
    (output,) = client.post(INFER, **request).json()["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [3, named])
    guesses = client.post(f"/classify?top_k={named}", content=FILES[2]).json()["predictions"]
    entries = [entry.split(":") for entry in output["data"][2 * named :]]
    assert [(np.float32(value), int(index), label) for value, index, label in entries] == [
        (np.float32(guess["score"]), guess["class_id"], guess["label"]) for guess in guesses
    ]


def test_classification_without_labels_returns_the_index(client: TestClient) -> None:
    plain, named = (
        client.post(INFER, **document(outputs=[output])) for output in ({"name": "known"}, classes("known", 1))
    )
    (known,) = plain.json()["outputs"][0]["data"]
    output = named.json()["outputs"][0]
    assert (output["datatype"], output["shape"]) == ("BYTES", [1, 1])
    value, index = output["data"][0].split(":")
    assert (np.float32(value), index) == (np.float32(known), "0")


def test_classification_of_zero_classes_returns_the_tensor(client: TestClient) -> None:
    reply = client.post(INFER, **document(outputs=[classes("probabilities", 0)]))
    assert reply.json()["outputs"][0]["datatype"] == "FP32"


def classes(name: str, count: int) -> dict[str, Any]:
    return {"name": name, "parameters": {"classification": count}}


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        pytest.param(b"hello", 415, id="no image"),
        pytest.param(b"", 415, id="empty"),
        pytest.param(PNG[:60], 422, id="damaged"),
        pytest.param(png_that_claims(60_000, 60_000), 413, id="too many pixels"),
    ],
)
def test_broken_file_fails_the_request_with_its_status(client: TestClient, broken: bytes, status: int) -> None:
    reply = client.post(INFER, **binary(files([3]), elements(PNG, broken, PNG)))
    assert reply.status_code == status
    assert reply.json()["error"].startswith("encoded[1]: ")
    assert reply.json()["error"] == reply.json()["detail"]


@pytest.mark.parametrize("wrap", [rest_event, http_api_event, function_url_event])
def test_binary_tensors_pass_through_each_gateway(client: TestClient, wrap: Callable[[Sent], Any]) -> None:
    request = binary(images(), PIXELS.tobytes(), parameters={"binary_data_output": True})
    reply = handler(wrap(Sent("POST", INFER, request["content"], request["headers"])), SimpleNamespace())
    direct = client.post(INFER, **request)
    assert (reply["statusCode"], reply_body(reply)) == (200, direct.content)
    assert handler(wrap(Sent("GET", "/v2/")), SimpleNamespace())["statusCode"] == 200
