"""`top_k` and `explain` in queries, forms and JSON are followed or refused on every path; never ignored."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.inference.classifier import read_card
from tests.support.images import encoded, trousers

PNG = encoded(trousers())
TEXT = base64.b64encode(PNG).decode()
FORM = {"files": {"file": PNG}}
V1 = "/v1/models/fashion-mnist:predict"
V2 = "/v2/models/fashion-mnist/infer"
WHOLE_IMAGES = "/v2/models/fashion-mnist-images/infer"
VERSION = f"/v2/models/fashion-mnist/versions/{read_card().document['version']}/infer"
INPUT = {"name": "encoded", "datatype": "BYTES", "shape": [1], "data": [TEXT]}

FOLLOWED = [
    pytest.param("/classify", {**FORM, "data": {"top_k": "5"}}, id="form"),
    pytest.param("/classify?top_k=2", {**FORM, "data": {"top_k": " 5 "}}, id="form before query"),
    pytest.param("/classify", {**FORM, "data": {"top_k": ["2", "5"]}}, id="the last of two fields"),
    pytest.param("/classify", {"json": {"image": TEXT, "top_k": 5}}, id="JSON"),
    pytest.param("/classify", {"json": {"image": TEXT, "top_k": 5.0}}, id="JSON, as a float"),
    pytest.param("/classify", {"json": {"image": TEXT, "parameters": {"top_k": 5}}}, id="JSON, in parameters"),
    pytest.param("/classify?top_k=5", {"json": {"image": TEXT, "top_k": None}}, id="null"),
    pytest.param("/classify/batch", {**FORM, "data": {"top_k": "5"}}, id="batch form"),
    pytest.param("/classify/batch", {"json": {"images": [TEXT], "top_k": 5}}, id="batch JSON"),
    pytest.param("/huggingface", {"json": {"inputs": TEXT, "top_k": 5}}, id="Hugging Face"),
    pytest.param("/huggingface?top_k=2", {"json": {"inputs": TEXT, "parameters": {"top_k": 5}}}, id="its parameters"),
]
WRONG: tuple[Any, ...] = (0, 11, -1, 2.5, True, "3", [], {}, 10**50)
REFUSED = [
    *(
        pytest.param("/classify", {**FORM, "data": {"top_k": value}}, id=f"form, {value!r}")
        for value in ("0", "11", "-1", "", "x", "2.5", "9" * 5000, "\N{ARABIC-INDIC DIGIT THREE}")
    ),
    *(pytest.param("/classify", {"json": {"image": TEXT, "top_k": value}}, id=f"JSON, {value!r}") for value in WRONG),
    pytest.param("/classify", {**FORM, "data": {"explain": "maybe"}}, id="explain in a form"),
    pytest.param("/classify", {"json": {"image": TEXT, "explain": "true"}}, id="explain in JSON"),
    pytest.param("/classify/batch", {**FORM, "data": {"top_k": "11"}}, id="batch form"),
    pytest.param("/classify/batch", {"json": {"images": [TEXT], "top_k": 0}}, id="batch JSON"),
    pytest.param("/classify/batch", {"json": {"images": [TEXT], "explain": True}}, id="explain in a batch"),
    pytest.param("/classify/batch", {**FORM, "data": {"explain": "on"}}, id="explain in a form of a batch"),
    pytest.param("/classify/batch?explain=true", {"json": [TEXT]}, id="explain in the query of a batch"),
    pytest.param("/huggingface", {"json": {"inputs": TEXT, "top_k": 0}}, id="Hugging Face"),
    pytest.param("/huggingface?explain=true", {"content": PNG}, id="explain in the query of Hugging Face"),
    pytest.param("/huggingface?explain=maybe", {"content": PNG}, id="explain in the query, neither true nor false"),
    pytest.param("/huggingface", {"json": {"inputs": TEXT, "explain": True}}, id="explain in JSON of Hugging Face"),
    pytest.param(
        "/huggingface", {"json": {"inputs": TEXT, "parameters": {"explain": True}}}, id="explain in its parameters"
    ),
    *(
        pytest.param(f"{url}?{query}", {"json": document}, id=f"{url[1:3]}, {query} in the query")
        for url, document in ((V1, {"instances": [TEXT]}), (V2, {"inputs": [INPUT]}))
        for query in ("top_k=3", "top_k=", "explain=true", "explain=1", "explain=maybe", "explain=false&explain=true")
    ),
    pytest.param(f"{WHOLE_IMAGES}?explain=true", {"json": {"inputs": [INPUT]}}, id="v2, the second name"),
    pytest.param(f"{VERSION}?explain=true", {"json": {"inputs": [INPUT]}}, id="v2, a version"),
    pytest.param(V1, {"json": {"instances": [TEXT], "explain": True}}, id="v1, explain"),
    pytest.param(V1, {"json": {"instances": [{"b64": TEXT, "explain": "yes"}]}}, id="v1 instance, explain"),
    pytest.param(V2, {"json": {"inputs": [INPUT], "parameters": {"explain": True}}}, id="v2 parameters, explain"),
    pytest.param(V1, {"json": {"instances": [TEXT], "top_k": 3}}, id="v1"),
    pytest.param(V1, {"json": {"instances": [TEXT], "parameters": {"top_k": 3}}}, id="v1 parameters"),
    pytest.param(V1, {"json": {"instances": [{"b64": TEXT, "top_k": 3}]}}, id="v1 instance"),
    pytest.param(V2, {"json": {"inputs": [INPUT], "top_k": 3}}, id="v2"),
    pytest.param(V2, {"json": {"inputs": [INPUT], "parameters": {"top_k": 3}}}, id="v2 parameters"),
    pytest.param(V2, {"json": {"inputs": [{**INPUT, "parameters": {"top_k": 3}}]}}, id="v2 input"),
    pytest.param(
        V2, {"json": {"inputs": [INPUT], "outputs": [{"name": "known", "parameters": {"top_k": 3}}]}}, id="v2 output"
    ),
]


@pytest.mark.parametrize(("url", "sending"), FOLLOWED)
def test_top_k_in_the_body_is_followed(client: TestClient, url: str, sending: dict[str, Any]) -> None:
    reply = client.post(url, **sending)
    assert reply.status_code == 200, reply.text
    assert reply.text.count('"label"') - (0 if "huggingface" in url else 1) == 5


@pytest.mark.parametrize(("url", "sending"), REFUSED)
def test_option_that_cannot_be_followed_is_refused(client: TestClient, url: str, sending: dict[str, Any]) -> None:
    reply = client.post(url, **sending)
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:problem:wrong-parameter"), reply.text
    assert "top_k" in reply.text or "explain" in reply.text


@pytest.mark.parametrize("option", [{"top_k": 1}, {"explain": True}], ids=["top_k", "explain"])
def test_option_of_one_image_of_a_batch_is_an_error_of_that_image(client: TestClient, option: dict[str, Any]) -> None:
    results = client.post("/classify/batch", json=[{"image": TEXT, **option}, TEXT]).json()["results"]
    assert [result["status"] for result in results] == [422, 200]


@pytest.mark.parametrize(
    "sending",
    [
        *(pytest.param({**FORM, "data": {"explain": yes}}, id=f"form, {yes}") for yes in ("true", "ON", " on ")),
        pytest.param({"json": {"image": TEXT, "explain": True}}, id="JSON"),
    ],
)
def test_explain_in_the_body_is_followed(client: TestClient, sending: dict[str, Any]) -> None:
    assert "explanation" in client.post("/classify", **sending).json()
    assert "explanation" not in client.post("/classify", content=PNG).json()


@pytest.mark.parametrize("no", ["false", "off"])
def test_explain_may_be_declined_in_a_form(client: TestClient, no: str) -> None:
    sending: Any = {**FORM, "data": {"explain": no}}
    assert "explanation" not in client.post("/classify?explain=true", **sending).json()
    assert client.post("/classify/batch", **sending).status_code == 200


def test_explain_may_be_declined_in_a_protocol_that_cannot_explain(client: TestClient) -> None:
    expected = client.post("/huggingface", content=PNG).json()
    assert client.post("/huggingface?explain=false", content=PNG).json() == expected
    assert client.post("/huggingface", json={"inputs": TEXT, "parameters": {"explain": False}}).json() == expected
    for url, document in ((V1, {"instances": [TEXT]}), (V2, {"inputs": [INPUT]})):
        replies = [
            client.post(url, json=document),
            client.post(f"{url}?explain=false&debug=1", json=document),
            client.post(url, json={**document, "parameters": {"explain": None}}),
        ]
        assert [reply.status_code for reply in replies] == [200] * 3
        assert replies[0].json() == replies[1].json() == replies[2].json()
