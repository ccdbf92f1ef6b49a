"""The HTTP API: every way to send an image, every route, and the OpenAPI document."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Event
from typing import Any

import jsonschema
import pytest
from httpx2 import Request
from starlette.testclient import TestClient

from handler.api.app import Api, create_app
from handler.contract import Classification, ModelCard, ModelInput
from handler.errors import Archived, BadRequest, ClassifierError, OutOfMemory, OutOfTime, RejectedImage
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from tests.support.images import FORMATS, encoded, trousers
from tests.support.sending import WAYS
from tests.support.shipped import prepare


@pytest.mark.parametrize("format_name", FORMATS)
def test_classify_returns_the_same_result_for_each_way_to_send(
    client: TestClient, classifier: Classifier, format_name: str
) -> None:
    image = encoded(trousers(), format_name)
    (classification,) = classifier.classify([prepare(image, 10**6)], 3)
    expected = json.loads(json.dumps(asdict(classification) | asdict(classification.predictions[0])))

    for name, sending in WAYS.items():
        reply = client.post("/classify", **sending(image))
        assert reply.status_code == 200, (name, reply.text)
        assert reply.json() == expected, name


@pytest.mark.parametrize("way", WAYS)
def test_classify_reads_a_gzip_body(client: TestClient, png: bytes, way: str) -> None:
    request = Request("POST", "http://localhost/classify", **WAYS[way](png))
    headers = {"Content-Type": request.headers.get("Content-Type", ""), "Content-Encoding": "gzip"}
    reply = client.post("/classify", content=gzip.compress(request.read()), headers=headers)
    assert reply.json() == client.post("/classify", content=png).json()


def test_classify_returns_the_same_label_for_each_format(client: TestClient) -> None:
    replies = [client.post("/classify", content=encoded(trousers(), name)).json() for name in FORMATS]
    assert {reply["label"] for reply in replies} == {replies[0]["label"]}
    assert [reply["score"] for reply in replies] == pytest.approx([replies[0]["score"]] * len(FORMATS), abs=0.1)


def test_predictions_are_sorted_by_score(client: TestClient, png: bytes) -> None:
    reply = client.post("/classify?top_k=10", content=png).json()
    scores = [guess["score"] for guess in reply["predictions"]]
    assert reply.items() >= reply["predictions"][0].items()
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("", 3, id="three by default"),
        pytest.param("?top_k=1", 1, id="one"),
        pytest.param("?top_k=10", 10, id="all"),
        pytest.param("?top_k=2&top_k=5", 5, id="given twice: the last one wins"),
        pytest.param("?unknown=1", 3, id="an unknown parameter is ignored"),
    ],
)
def test_top_k_sets_the_number_of_predictions(client: TestClient, png: bytes, query: str, count: int) -> None:
    assert len(client.post(f"/classify{query}", content=png).json()["predictions"]) == count


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "image/png",
        "image/jpeg",
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=none",
        "text/plain; charset=utf-16",
        "no type at all ;;; =",
    ],
)
def test_raw_image_is_accepted_with_any_content_type(client: TestClient, png: bytes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    reply = client.post("/classify", content=png, headers=headers)
    assert (reply.status_code, len(reply.json().get("predictions", ()))) == (200, 3)


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "image/png", "application/x-www-form-urlencoded"])
def test_json_body_is_accepted_with_any_content_type(client: TestClient, png: bytes, content_type: str | None) -> None:
    body = b'\xef\xbb\xbf \r\n{"image": "' + base64.b64encode(png) + b'"}'
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert client.post("/classify", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(base64.b64encode, id="standard"),
        pytest.param(base64.urlsafe_b64encode, id="URL-safe alphabet"),
        pytest.param(lambda image: base64.b64encode(image).rstrip(b"="), id="without padding"),
        pytest.param(base64.encodebytes, id="with line breaks"),
        pytest.param(lambda image: b"data:;base64," + base64.b64encode(image), id="data URL without a type"),
        pytest.param(lambda image: b"DATA:image/png;BASE64," + base64.b64encode(image), id="data URL in upper case"),
        pytest.param(
            lambda image: b"data:image/png;base64," + base64.b64encode(image).replace(b"+", b"%2B"),
            id="data URL with percent-encoding",
        ),
    ],
)
def test_base64_variants_are_accepted(client: TestClient, png: bytes, encode: Any) -> None:
    image = png[:-1] + b"\xfb"  # one byte after the last chunk, so that padding and "+" or "-" occur
    reply = client.post("/classify", json={"image": encode(image).decode()})
    assert (reply.status_code, reply.json().get("label")) == (
        200,
        client.post("/classify", content=png).json()["label"],
    )


@pytest.mark.parametrize(
    "disposition",
    [
        pytest.param('form-data; name="file"', id="none"),
        pytest.param('form-data; name="file"; filename=""', id="empty"),
        pytest.param('form-data; name="file"; filename="../../etc/passwd"', id="a path"),
        pytest.param('form-data; name="file"; filename="外套 %41+é\U0001f9e5.png"', id="unicode"),
        pytest.param("form-data; name=file; filename*=UTF-8''%ff%00.png", id="RFC 5987, not UTF-8"),
        pytest.param(f'form-data; name="file"; filename="{"x" * 3000}"', id="3,000 letters"),
        pytest.param('form-data; name="file"; filename="a\\"b;c=d.png"', id="quotes and semicolons"),
    ],
)
def test_form_file_name_is_ignored(client: TestClient, png: bytes, disposition: str) -> None:
    part = f"--b\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + png + b"\r\n--b--\r\n"
    reply = client.post("/classify", content=part, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status_code == 200, reply.text


def test_form_ignores_other_fields(client: TestClient, png: bytes) -> None:
    reply = client.post("/classify", data={"note": "mine", "label": "99"}, files={"file": png, "other": b"text"})
    assert reply.status_code == 200


def test_labels_are_sorted_by_class_id(client: TestClient) -> None:
    labels = client.get("/labels").json()["labels"]
    assert [label["class_id"] for label in labels] == list(range(10))
    assert labels[9] == {"class_id": 9, "english": "Ankle boot", "chinese": "踝靴"}


def test_get_model_returns_the_card(client: TestClient, card: ModelCard) -> None:
    assert client.get("/model").json() == card.document


def test_get_health_returns_ok(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_parallel_requests_return_the_results_of_sequential_ones(client: TestClient) -> None:
    images = [encoded(trousers(100 + 10 * i)) for i in range(24)]
    sequential = [client.post("/classify", content=image).json() for image in images]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda image: client.post("/classify", content=image).json(), images))
    assert parallel == sequential


class WaitingClassifier(Classifier):
    """Classifies once `released` is set."""

    released = Event()

    def classify(self, images: Sequence[ModelInput], top_k: int) -> list[Classification]:
        assert self.released.wait(timeout=30)
        return super().classify(images, top_k)


def test_server_responds_while_an_image_is_classified(card: ModelCard, png: bytes) -> None:
    waiting = WaitingClassifier(MODEL_PATH, card.labels)
    with TestClient(create_app(waiting, card, Settings())) as client, ThreadPoolExecutor(1) as pool:
        classification = pool.submit(client.post, "/classify", content=png)
        assert client.get("/health").status_code == 200
        assert not classification.done()
        waiting.released.set()
        assert classification.result().status_code == 200


def test_openapi_document_lists_each_request_body_type(client: TestClient) -> None:
    operation = _document(client)["paths"]["/classify"]["post"]
    assert set(operation["requestBody"]["content"]) == {
        "multipart/form-data",
        "application/json",
        "application/octet-stream",
        "image/*",
    }


def test_openapi_document_declares_each_error_as_a_problem(client: TestClient) -> None:
    document = _document(client)
    responses = document["paths"]["/classify"]["post"]["responses"]
    reference = {"$ref": "#/components/schemas/Problem"}
    errors = {code: response["content"] for code, response in responses.items() if code != "200"}
    kinds = [k for k in _kinds_of_error() if issubclass(k, (RejectedImage, BadRequest, OutOfMemory, OutOfTime))]
    statuses = {kind.status for kind in kinds if kind is not Archived}  # only of objects in a bucket
    assert errors == {str(code): {"application/problem+json": {"schema": reference}} for code in statuses}
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {
        "type",
        "title",
        "status",
        "detail",
        "error",
    }


def _document(client: TestClient) -> Mapping[str, Any]:
    document: Mapping[str, Any] = client.get("/openapi.json").json()
    return document


def _kinds_of_error() -> list[type[ClassifierError]]:
    kinds: list[type[ClassifierError]] = [ClassifierError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return [kind for kind in kinds if hasattr(kind, "status")]


def test_documented_examples_match_their_schemas(app: Api) -> None:
    components = app.openapi()["components"]
    examples = {name: schema["example"] for name, schema in components["schemas"].items() if "example" in schema}
    assert {"ClassificationResponse", "ExplainedResponse", "BatchResponse", "Done"} <= examples.keys()
    for name, example in examples.items():
        jsonschema.validate(example, {"$ref": f"#/components/schemas/{name}", "components": components})
