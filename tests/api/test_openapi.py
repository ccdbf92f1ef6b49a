"""The OpenAPI document: every example works, summaries say what an operation does, generators can name all arrays."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    described: dict[str, Any] = client.get("/openapi.json").json()
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_examples_of_json_requests_are_answered(client: TestClient, document: dict[str, Any]) -> None:
    version = client.get("/v2/models/fashion-mnist").json()["versions"][0]
    tried = []
    for path, method, operation in operations(document):
        example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            address = path.format(model="fashion-mnist", version=version)
            response = client.request(method, address, json=example)
            assert response.status_code == 200, (path, response.text)
            tried.append(operation["operationId"])
    protocols = ["classify", "classify_batch", "model_infer", "model_version_infer", "predict_instances"]
    assert tried == [*protocols, "hugging_face"]


def test_examples_of_responses_have_the_members_that_responses_have(
    client: TestClient, document: dict[str, Any], png: bytes
) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["ClassificationResponse"]["example"].keys() == client.post("/classify", content=png).json().keys()
    assert schemas["Labels"]["example"].keys() == client.get("/labels").json().keys()
    assert len(schemas["V1Prediction"]["example"]["probabilities"]) == 10


def test_summaries_are_sentences_not_names_of_functions(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        assert operation["summary"].lower() != operation["operationId"].replace("_", " ")


def test_arrays_among_alternatives_have_names(document: dict[str, Any]) -> None:
    alternatives = [each for schema in objects(document) for each in schema.get("anyOf", schema.get("oneOf", ()))]
    assert len(alternatives) > 10
    assert not [each for each in alternatives if each.get("type") == "array"]


def objects(place: Any) -> Iterator[dict[str, Any]]:
    if isinstance(place, dict):
        yield place
    for below in place.values() if isinstance(place, dict) else place if isinstance(place, list) else ():
        yield from objects(below)
