"""The app as its clients see it: every way of sending an image, every route, and what the document says of them."""

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import Classification, ModelCard, Views
from handler.errors import Archived, BadRequest, ClassifierError, RejectedImage
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.decoding import views_of
from handler.settings import Settings
from tests.support.pictures import FORMATS, encoded, trousers
from tests.support.sending import WAYS


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_image_gets_the_same_answer_however_it_is_sent(
    client: TestClient, classifier: Classifier, format_name: str
) -> None:
    image = encoded(trousers(), format_name)
    (classification,) = classifier.classify([views_of(image, 10**6)], 3)
    expected = json.loads(json.dumps(asdict(classification) | asdict(classification.predictions[0])))

    for name, sending in WAYS.items():
        reply = client.post("/classify", **sending(image))
        assert reply.status_code == 200, (name, reply.text)
        assert reply.json() == expected, name


def test_all_formats_agree_on_what_the_picture_shows(client: TestClient) -> None:
    replies = [client.post("/classify", content=encoded(trousers(), name)).json() for name in FORMATS]
    assert {reply["label"] for reply in replies} == {replies[0]["label"]}
    assert [reply["score"] for reply in replies] == pytest.approx([replies[0]["score"]] * len(FORMATS), abs=0.1)


def test_the_first_prediction_is_the_answer_and_scores_fall(client: TestClient, png: bytes) -> None:
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
        pytest.param("?top_k=2&top_k=5", 5, id="given twice: the last one counts"),
        pytest.param("?unknown=1", 3, id="an unknown parameter is ignored"),
    ],
)
def test_top_k_says_how_many_predictions_there_are(client: TestClient, png: bytes, query: str, count: int) -> None:
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
def test_raw_bytes_are_an_image_whatever_the_content_type_says(
    client: TestClient, png: bytes, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    reply = client.post("/classify", content=png, headers=headers)
    assert (reply.status_code, len(reply.json().get("predictions", ()))) == (200, 3)


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "image/png", "application/x-www-form-urlencoded"])
def test_json_is_known_by_its_first_letter(client: TestClient, png: bytes, content_type: str | None) -> None:
    body = b'\xef\xbb\xbf \r\n{"image": "' + base64.b64encode(png) + b'"}'
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert client.post("/classify", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "text_of",
    [
        pytest.param(base64.b64encode, id="standard"),
        pytest.param(base64.urlsafe_b64encode, id="URL-safe letters"),
        pytest.param(lambda image: base64.b64encode(image).rstrip(b"="), id="without padding"),
        pytest.param(base64.encodebytes, id="with line breaks"),
        pytest.param(lambda image: b"data:;base64," + base64.b64encode(image), id="data URL without a type"),
        pytest.param(lambda image: b"DATA:image/png;BASE64," + base64.b64encode(image), id="data URL in capitals"),
        pytest.param(
            lambda image: b"data:image/png;base64," + base64.b64encode(image).replace(b"+", b"%2B"),
            id="data URL with percent-encoding",
        ),
    ],
)
def test_base64_is_read_in_all_its_spellings(client: TestClient, png: bytes, text_of: Any) -> None:
    image = png[:-1] + b"\xfb"  # one byte after the last that matters, so that padding and "+" or "-" occur
    reply = client.post("/classify", json={"image": text_of(image).decode()})
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
def test_the_file_name_of_a_form_does_not_matter(client: TestClient, png: bytes, disposition: str) -> None:
    part = f"--b\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + png + b"\r\n--b--\r\n"
    reply = client.post("/classify", content=part, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status_code == 200, reply.text


def test_other_fields_of_a_form_are_ignored(client: TestClient, png: bytes) -> None:
    reply = client.post("/classify", data={"note": "mine", "top_k": "99"}, files={"file": png, "other": b"text"})
    assert reply.status_code == 200


def test_labels_are_listed_in_the_order_of_their_ids(client: TestClient) -> None:
    labels = client.get("/labels").json()["labels"]
    assert [label["class_id"] for label in labels] == list(range(10))
    assert labels[9] == {"class_id": 9, "english": "Ankle boot", "chinese": "踝靴"}


def test_the_card_is_published_as_it_is(client: TestClient, card: ModelCard) -> None:
    assert client.get("/model").json() == card.document


def test_health_is_ok(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_the_docs_page_shows_the_document(client: TestClient) -> None:
    assert "/openapi.json" in client.get("/docs").text


def test_parallel_requests_get_the_answers_of_sequential_ones(client: TestClient) -> None:
    images = [encoded(trousers(100 + 10 * i)) for i in range(24)]
    one_by_one = [client.post("/classify", content=image).json() for image in images]
    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda image: client.post("/classify", content=image).json(), images))
    assert at_once == one_by_one


class WaitingClassifier(Classifier):
    """Answers only once it may."""

    may_answer = Event()

    def classify(self, pictures: Sequence[Views], top_k: int) -> list[Classification]:
        assert self.may_answer.wait(timeout=30)
        return super().classify(pictures, top_k)


def test_the_server_answers_others_while_a_picture_is_classified(card: ModelCard, png: bytes) -> None:
    waiting = WaitingClassifier(MODEL_PATH, card.labels)
    with TestClient(create_app(waiting, card, Settings())) as client, ThreadPoolExecutor(1) as pool:
        classification = pool.submit(client.post, "/classify", content=png)
        assert client.get("/health").status_code == 200
        assert not classification.done()
        waiting.may_answer.set()
        assert classification.result().status_code == 200


def test_the_document_names_every_way_to_send_an_image(client: TestClient) -> None:
    operation = _document(client)["paths"]["/classify"]["post"]
    assert set(operation["requestBody"]["content"]) == {
        "multipart/form-data",
        "application/json",
        "application/octet-stream",
        "image/*",
    }


def test_the_document_names_every_error_as_a_problem(client: TestClient) -> None:
    document = _document(client)
    responses = document["paths"]["/classify"]["post"]["responses"]
    reference = {"$ref": "#/components/schemas/Problem"}
    errors = {code: response["content"] for code, response in responses.items() if code != "200"}
    kinds = [kind for kind in _kinds_of_error() if issubclass(kind, (RejectedImage, BadRequest))]
    statuses = {kind.status for kind in kinds if kind is not Archived}  # which only an object of a bucket can be
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
