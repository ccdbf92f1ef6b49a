"""Hostile requests return a problem with the right status, in bounded time and memory, and never a 500."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from tests.conftest import RunningServer
from tests.support.broken_classifier import BrokenClassifier
from tests.support.hostile_inputs import HOSTILE, PNG
from tests.support.images import encoded, trousers

MAX_SECONDS = 10
MAX_MEBIBYTES = 400  # above the idle server; a GIF of 50 million pixels takes 270


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    """A client that opens a new connection for each request."""
    with httpx2.Client(timeout=60, limits=httpx2.Limits(max_keepalive_connections=0)) as client:
        yield client


@pytest.mark.parametrize(("query_string", "sending", "status"), HOSTILE)
def test_server_responds_in_bounded_time_and_memory(
    running_server: RunningServer, http: httpx2.Client, query_string: str, sending: dict[str, Any], status: int
) -> None:
    resident = start_measuring_memory(running_server.process_id)
    started = time.monotonic()
    reply = http.post(f"{running_server.address}/classify{query_string}", **sending)
    assert time.monotonic() - started < MAX_SECONDS
    assert peak_mebibytes(running_server.process_id) - resident < MAX_MEBIBYTES
    if status == 200:
        assert (reply.status_code, len(reply.json()["predictions"])) == (200, 3), reply.text
    else:
        assert_problem(reply, status)


def start_measuring_memory(process_id: int) -> float:
    """Reset the peak memory of a process; return its present memory in MiB, or 0 without Linux's /proc."""
    with suppress(FileNotFoundError):
        Path(f"/proc/{process_id}/clear_refs").write_text("5")  # proc_pid_clear_refs(5)
    return peak_mebibytes(process_id)


def peak_mebibytes(process_id: int) -> float:
    with suppress(FileNotFoundError):
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    return 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nowhere", 404, id="unknown path"),
        pytest.param("GET", "/%ff%fe", 404, id="path not in UTF-8"),
        pytest.param("GET", "/../../etc/passwd", 404, id="path traversal"),
        pytest.param("GET", "/classify", 405, id="GET instead of POST"),
        pytest.param("DELETE", "/labels", 405, id="DELETE"),
        pytest.param("POST", "/", 405, id="POST to the page"),
    ],
)
def test_unknown_path_is_404_and_unknown_method_405(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert_problem(reply, status)
    assert ("Allow" in reply.headers) == (status == 405)


def test_error_names_the_wrong_form_fields(client: TestClient) -> None:
    reply = client.post("/classify", files={"photo": PNG, "image": PNG})
    assert "'photo', 'image'" in reply.json()["detail"]


@pytest.fixture(scope="module")
def small_client(classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """A client of an app whose limits are the bytes and the pixels of `PNG`."""
    with TestClient(create_app(classifier, card, Settings(max_body_bytes=len(PNG), max_pixels=280 * 280))) as client:
        yield client


def test_body_of_exactly_the_limit_is_accepted(small_client: TestClient) -> None:
    assert small_client.post("/classify", content=PNG).status_code == 200


def test_body_over_the_limit_is_413_by_its_content_length(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=PNG + b"\0"), 413)


def test_body_over_the_limit_is_413_while_streaming(small_client: TestClient) -> None:
    chunks = (PNG[i : i + 100] for i in [*range(0, len(PNG), 100), 0])
    assert_problem(small_client.post("/classify", content=chunks), 413)


@pytest.mark.parametrize("length", ["0", "1", "-1", "abc", "9" * 6000, "٣", ""])
def test_wrong_content_length_does_not_lift_the_limit(small_client: TestClient, length: str) -> None:
    headers = {b"Content-Length": length.encode()}
    assert_problem(small_client.post("/classify", content=PNG * 2, headers=headers), 413)


def test_image_over_the_pixel_limit_is_413(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=encoded(trousers(281).convert("1"))), 413)


def test_unexpected_exception_is_500_and_is_raised_again(card: ModelCard) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=PNG)
    assert_problem(reply, 500)
    assert "ZeroDivisionError" not in reply.text
    with TestClient(app) as client, pytest.raises(ZeroDivisionError):
        client.post("/classify", content=PNG)


def test_broken_image_is_not_logged_as_an_error(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/classify", content=PNG[:100])
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def assert_problem(reply: Any, status: int) -> None:
    assert reply.status_code == status, reply.text[:500]
    assert reply.headers["content-type"] == "application/problem+json"
    problem = json.loads(reply.content)
    assert set(problem) == {"type", "title", "status", "detail", "error"}
    assert problem["status"] == status
    assert problem["error"] == problem["detail"]
    assert 0 < len(problem["detail"]) < 300
