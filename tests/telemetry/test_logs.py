"""The access log: one line of JSON per request, in the format of Lambda's runtime, without request data."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from tests.support.broken_classifier import BrokenClassifier


class LambdaLog:
    """The log lines that Lambda's runtime would write."""

    def __init__(self) -> None:
        self.text = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.getvalue().splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["logger"] == logger]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[LambdaLog]:
    log = LambdaLog()
    handler = logging.StreamHandler(log.text)
    handler.terminator = ""  # the formatter ends each line itself
    handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO, "handler")
    logging.getLogger().addHandler(handler)
    yield log
    logging.getLogger().removeHandler(handler)


def test_request_writes_one_log_line(client: TestClient, png: bytes, log: LambdaLog) -> None:
    client.get("/health")  # only the first request of a process is a cold start
    reply = client.post("/classify?top_k=2&token=secret", content=png, headers={"X-Request-Id": "order-7"})
    assert reply.status_code == 200
    _, line = log.lines()
    assert line.pop("ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "handler.access",
        "message": "POST /classify 200",
        "method": "POST",
        "path": "/classify",
        "status": 200,
        "bytes_in": len(png),
        "request_id": "order-7",
        "cold": False,
        "images": 1,
    }


def test_first_request_is_logged_as_cold(classifier: Classifier, card: ModelCard, log: LambdaLog) -> None:
    with TestClient(create_app(classifier, card, Settings())) as client:
        for _ in range(2):
            client.get("/health")
    assert [line["cold"] for line in log.lines()] == [True, False]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(b"a secret that is no image", "image/png", id="no image"),
        pytest.param(b'{"image": "a secret"}', "application/json", id="JSON"),
        pytest.param(b"\x89PNG\r\n\x1a\na secret", "image/png", id="a broken image"),
    ],
)
def test_request_data_are_not_logged(client: TestClient, log: LambdaLog, content: bytes, content_type: str) -> None:
    headers = {"Content-Type": content_type, "Authorization": "Bearer secret", "X-Api-Key": "secret"}
    reply = client.post("/classify?top_k=secret", content=content, headers=headers)
    assert reply.status_code >= 400
    assert [line["status"] for line in log.lines()] == [reply.status_code]
    assert "secret" not in log.text.getvalue()


def test_long_path_is_truncated_in_its_log_line(client: TestClient, log: LambdaLog) -> None:
    client.get("/%0A" + "x" * 1000)
    (line,) = log.lines()
    assert line["path"] == "/\n" + "x" * 198


def test_unexpected_exception_is_logged_as_500(card: ModelCard, png: bytes, log: LambdaLog) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        client.post("/classify", content=png)
    assert [line["status"] for line in log.of("handler.access")] == [500]


def test_rejected_images_are_counted(client: TestClient, png: bytes, log: LambdaLog) -> None:
    files = [("file", ("a.png", png)), ("file", ("b.txt", b"no image")), ("file", ("c.png", png))]
    assert client.post("/classify/batch", files=files).status_code == 200
    assert [line["images"] for line in log.lines()] == [3]
