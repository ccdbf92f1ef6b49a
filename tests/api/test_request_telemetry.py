"""Every reply, errors too, says which request it answers and how long that took."""

import re

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.http_entry import handler
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from tests.support.broken_classifier import BrokenClassifier
from tests.support.gateway_events import Sent, http_api_event, rest_event


def steps(header: str) -> dict[str, float]:
    """Milliseconds by step, as Server-Timing has them."""
    return {name: float(duration) for name, duration in re.findall(r"(\w+);dur=([\d.]+)", header)}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/health", 200, id="an answer"),
        pytest.param("GET", "/nowhere", 404, id="no such path"),
        pytest.param("GET", "/classify", 405, id="no such method"),
        pytest.param("POST", "/classify", 400, id="a bad request"),
        pytest.param("GET", "/static/nothing.css", 404, id="no such file"),
    ],
)
def test_every_reply_has_an_id_and_a_time(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["x-request-id"])
    assert steps(reply.headers["server-timing"])["total"] >= 0


def test_even_an_unforeseen_error_has_them_and_may_be_read_by_other_origins(card: ModelCard, png: bytes) -> None:
    settings = Settings(cors_origins=("https://shop.example",))
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=png, headers={"Origin": "https://shop.example"})
    assert reply.status_code == 500
    assert {"x-request-id", "server-timing"} <= set(reply.headers)
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"


def test_the_steps_of_a_classification_are_told(client: TestClient, png: bytes) -> None:
    taken = steps(client.post("/classify", content=png).headers["server-timing"])
    assert set(taken) >= {"decode", "infer", "total"}
    assert 0 < taken["decode"] <= taken["total"]
    assert 0 < taken["infer"] <= taken["total"]


def test_a_request_is_not_charged_for_another(client: TestClient, png: bytes) -> None:
    client.post("/classify", content=png)
    assert set(steps(client.get("/health").headers["server-timing"])) == {"total"}


def test_the_cold_start_is_told_once(classifier: Classifier, card: ModelCard) -> None:
    with TestClient(create_app(classifier, card, Settings())) as client:
        first, second = (steps(client.get("/health").headers["server-timing"]) for _ in range(2))
    assert first["cold"] > 0
    assert "cold" not in second


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("order-7.1:a/b=c+d", True, id="an id"),
        pytest.param("x" * 128, True, id="128 letters"),
        pytest.param("x" * 129, False, id="129 letters"),
        pytest.param("a b", False, id="a space"),
        pytest.param('"><script>', False, id="markup"),
        pytest.param("", False, id="empty"),
    ],
)
def test_the_client_may_choose_the_id_within_reason(client: TestClient, sent: str, kept: bool) -> None:
    assert (client.get("/health", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent) is kept


@pytest.mark.parametrize("wrap", [rest_event, http_api_event])
def test_the_id_is_the_one_that_the_gateway_logs(wrap: object) -> None:
    event = wrap(Sent("GET", "/health", headers={"X-Request-Id": "mine"}))  # type: ignore[operator]
    event["requestContext"]["requestId"] = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    reply = handler(event, None)  # type: ignore[arg-type]
    assert reply["headers"]["x-request-id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
