"""Whatever is sent, the reply is a problem with the right status, in one shape, and never a 500."""

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
from tests.support.pictures import encoded, trousers

MAX_SECONDS = 10
MAX_MEBIBYTES = 400  # more than the server has at rest; 50 million pixels of a GIF take 270


@pytest.mark.parametrize(("query_string", "sending", "status"), HOSTILE)
def test_a_server_answers_whatever_is_sent_in_bounded_time_and_memory(
    running_server: RunningServer, query_string: str, sending: dict[str, Any], status: int
) -> None:
    resident = start_measuring_memory(running_server.process_id)
    started = time.monotonic()
    reply = httpx2.post(f"{running_server.address}/classify{query_string}", **sending, timeout=60)
    assert time.monotonic() - started < MAX_SECONDS
    assert peak_mebibytes(running_server.process_id) - resident < MAX_MEBIBYTES
    if status == 200:
        assert (reply.status_code, len(reply.json()["predictions"])) == (200, 3), reply.text
    else:
        assert_problem(reply, status)


def start_measuring_memory(process_id: int) -> float:
    """Resets the peak of a process, and returns what it has now, in MiB; 0 where Linux's /proc is not at hand."""
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
        pytest.param("GET", "/%ff%fe", 404, id="path that is no UTF-8"),
        pytest.param("GET", "/../../etc/passwd", 404, id="path upwards"),
        pytest.param("GET", "/classify", 405, id="GET instead of POST"),
        pytest.param("DELETE", "/labels", 405, id="DELETE"),
        pytest.param("POST", "/", 405, id="POST to the page"),
    ],
)
def test_paths_and_methods_that_are_not_there(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert_problem(reply, status)
    assert ("Allow" in reply.headers) == (status == 405)


def test_a_wrong_field_is_named_in_the_reply(client: TestClient) -> None:
    reply = client.post("/classify", files={"photo": PNG, "picture": PNG})
    assert "'photo', 'picture'" in reply.json()["detail"]


@pytest.fixture(scope="module")
def small_client(classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """An app that accepts exactly as many bytes as a certain PNG has, and exactly as many pixels."""
    with TestClient(create_app(classifier, card, Settings(max_body_bytes=len(PNG), max_pixels=280 * 280))) as client:
        yield client


def test_a_body_of_exactly_the_limit_is_accepted(small_client: TestClient) -> None:
    assert small_client.post("/classify", content=PNG).status_code == 200


def test_a_body_over_the_limit_is_refused_by_its_length(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=PNG + b"\0"), 413)


def test_a_body_over_the_limit_is_refused_while_it_streams(small_client: TestClient) -> None:
    chunks = (PNG[i : i + 100] for i in [*range(0, len(PNG), 100), 0])
    assert_problem(small_client.post("/classify", content=chunks), 413)


@pytest.mark.parametrize("length", ["0", "1", "-1", "abc", "9" * 6000, "٣", ""])
def test_a_content_length_that_lies_does_not_lift_the_limit(small_client: TestClient, length: str) -> None:
    headers = {b"Content-Length": length.encode()}
    assert_problem(small_client.post("/classify", content=PNG * 2, headers=headers), 413)


def test_an_image_over_the_limit_of_pixels_is_refused(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=encoded(trousers(281).convert("1"))), 413)


def test_an_unexpected_error_is_a_problem_too_and_is_passed_on_to_the_log(card: ModelCard) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=PNG)
    assert_problem(reply, 500)
    assert "ZeroDivisionError" not in reply.text
    with TestClient(app) as client, pytest.raises(ZeroDivisionError):
        client.post("/classify", content=PNG)


def test_hostile_input_is_not_logged_as_an_error(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
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
