"""Hugging Face's image classification API: raw and JSON requests, top_k, function_to_apply, errors."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.contract import ModelCard
from tests.support.images import FORMATS, encoded, png_that_claims, trousers

PATH = "/huggingface"
PNG = encoded(trousers())
TEXT = base64.b64encode(PNG).decode()


def body(inputs: Any = TEXT, **others: Any) -> str:
    return json.dumps({"inputs": inputs, **others})


def parameters(**given: Any) -> str:
    return body(parameters=given)


@pytest.mark.parametrize("format_name", FORMATS)
def test_image_gets_the_top_five_classes_of_classify(client: TestClient, format_name: str) -> None:
    image = encoded(trousers(), format_name)
    expected = client.post("/classify?top_k=5", content=image).json()["predictions"]
    for content in (image, body(base64.b64encode(image).decode())):
        guesses = client.post(PATH, content=content).json()
        assert guesses == [{"label": guess["label"], "score": guess["score"]} for guess in expected]


@pytest.mark.parametrize(
    ("query", "content", "count"),
    [
        pytest.param("", PNG, 5, id="image"),
        pytest.param("?top_k=2", PNG, 2, id="image, in the query"),
        pytest.param("?top_k=99", PNG, 10, id="more classes than exist, in the query"),
        pytest.param("?top_k=2&function_to_apply=softmax", PNG, 2, id="softmax, in the query"),
        pytest.param("", body(), 5, id="JSON"),
        pytest.param("", body(f"data:image/png;base64,{TEXT}"), 5, id="JSON with a data URL"),
        pytest.param("", body(parameters=None), 5, id="parameters: null"),
        pytest.param("", parameters(), 5, id="no parameters"),
        pytest.param("", parameters(top_k=1), 1, id="JSON, 1"),
        pytest.param("", parameters(top_k=3.0), 3, id="JSON, 3.0"),
        pytest.param("", parameters(top_k=10**30), 10, id="more classes than exist"),
        pytest.param("", parameters(top_k=None, function_to_apply=None), 5, id="null"),
        pytest.param("", parameters(function_to_apply="softmax"), 5, id="softmax"),
        pytest.param("?top_k=2", parameters(top_k=4), 4, id="the body overrides the query"),
        pytest.param("?top_k=2", parameters(), 2, id="the query if the body has no top_k"),
    ],
)
def test_top_k_sets_the_number_of_classes(
    client: TestClient, card: ModelCard, query: str, content: str | bytes, count: int
) -> None:
    guesses = client.post(PATH + query, content=content).json()
    assert [guess["score"] for guess in guesses] == sorted((guess["score"] for guess in guesses), reverse=True)
    assert (
        len({guess["label"] for guess in guesses} & {label.english for label in card.labels}) == len(guesses) == count
    )


@pytest.mark.parametrize("function", ["sigmoid", "none", "", 1, [], {}, True])
def test_function_other_than_softmax_is_422(client: TestClient, function: Any) -> None:
    reply = client.post(PATH, content=parameters(function_to_apply=function))
    assert (reply.status_code, "softmax" in reply.json()["error"]) == (422, True)
    assert client.post(PATH, params={"function_to_apply": str(function)}, content=PNG).status_code == 422


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        pytest.param("", b"", 400, id="empty"),
        pytest.param("", b"hello", 415, id="text"),
        pytest.param("", PNG[:60], 422, id="damaged"),
        pytest.param("", png_that_claims(60_000, 60_000), 413, id="too many pixels"),
        pytest.param("", b" " * 20_000_001, 413, id="too many bytes"),
        pytest.param("", b"{", 400, id="truncated JSON"),
        pytest.param("", "[" * 50_000, 400, id="deeply nested JSON"),
        pytest.param("", '{"inputs": [' + "0," * 5_000_000 + "0]}", 400, id="too many values"),
        pytest.param("", b"[]", 400, id="array"),
        pytest.param("", b"{}", 400, id="no inputs"),
        pytest.param("", body(None), 400, id="inputs: null"),
        pytest.param("", body([TEXT]), 400, id="inputs: list"),
        pytest.param("", body(""), 400, id="inputs: empty"),
        pytest.param("", body("http://localhost/a.png"), 400, id="inputs: URL"),
        pytest.param("", body("aGVsbG8="), 415, id="inputs: no image"),
        pytest.param("", body(parameters=[]), 400, id="parameters: list"),
        pytest.param("", body(parameters="top_k"), 400, id="parameters: string"),
        pytest.param("", parameters(top_k=0), 422, id="top_k: 0"),
        pytest.param("", parameters(top_k=-1), 422, id="top_k: -1"),
        pytest.param("", parameters(top_k=1.5), 422, id="top_k: 1.5"),
        pytest.param("", parameters(top_k="3"), 422, id="top_k: string"),
        pytest.param("", parameters(top_k=True), 422, id="top_k: true"),
        pytest.param("", parameters(top_k=float("nan")), 422, id="top_k: NaN"),
        pytest.param("", parameters(top_k=float("inf")), 422, id="top_k: Infinity"),
        pytest.param("?top_k=0", PNG, 422, id="top_k: 0, in the query"),
        pytest.param("?top_k=many", PNG, 422, id="top_k: string, in the query"),
        pytest.param("?top_k=" + "9" * 5000, PNG, 422, id="top_k: 5,000 digits, in the query"),
    ],
)
def test_invalid_request_returns_a_problem(client: TestClient, query: str, content: str | bytes, status: int) -> None:
    reply = client.post(PATH + query, content=content)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json()["error"] == reply.json()["detail"]
