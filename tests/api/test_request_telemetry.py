"""Request telemetry: X-Request-Id and Server-Timing on every response, errors included."""

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
    """Milliseconds by step, from a Server-Timing header."""
    return {name: float(duration) for name, duration in re.findall(r"(\w+);dur=([\d.]+)", header)}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/health", 200, id="success"),
        pytest.param("GET", "/nowhere", 404, id="unknown path"),
        pytest.param("GET", "/classify", 405, id="unknown method"),
        pytest.param("POST", "/classify", 400, id="bad request"),
        pytest.param("GET", "/static/nothing.css", 404, id="unknown file"),
    ],
)
def test_response_has_request_id_and_server_timing(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["x-request-id"])
    assert steps(reply.headers["server-timing"])["total"] >= 0


def test_500_response_has_telemetry_and_cors_headers(card: ModelCard, png: bytes) -> None:
    settings = Settings(cors_origins=("https://shop.example",))
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=png, headers={"Origin": "https://shop.example"})
    assert reply.status_code == 500
    assert {"x-request-id", "server-timing"} <= set(reply.headers)
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"


def test_server_timing_has_decode_and_infer(client: TestClient, png: bytes) -> None:
    taken = steps(client.post("/classify", content=png).headers["server-timing"])
    assert set(taken) >= {"decode", "infer", "total"}
    assert 0 < taken["decode"] <= taken["total"]
    assert 0 < taken["infer"] <= taken["total"]


def test_server_timing_has_no_steps_of_another_request(client: TestClient, png: bytes) -> None:
    client.post("/classify", content=png)
    assert set(steps(client.get("/health").headers["server-timing"])) == {"total"}


def test_cold_start_is_reported_once(classifier: Classifier, card: ModelCard) -> None:
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
def test_request_id_of_the_client_is_kept_if_safe(client: TestClient, sent: str, kept: bool) -> None:
    assert (client.get("/health", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent) is kept


@pytest.mark.parametrize("wrap", [rest_event, http_api_event])
def test_request_id_is_the_one_of_the_gateway(wrap: object) -> None:
    event = wrap(Sent("GET", "/health", headers={"X-Request-Id": "mine"}))  # type: ignore[operator]
    event["requestContext"]["requestId"] = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    reply = handler(event, None)
    assert reply["headers"]["x-request-id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
