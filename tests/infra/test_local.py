"""The whole stack as one process, as `make run` starts it: tickets, an emulated S3 and the worker, over real HTTP."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from PIL import Image

from tests.support.machine import PROJECT, free_port
from tests.support.pictures import encoded, trousers
from tests.support.waiting import wait_until, wait_until_healthy

LIMIT = 20_000_000
# What a user may have set for AWS itself, none of which may reach the emulation or be reached by it.
ENVIRONMENT = {
    **os.environ,
    "AWS_PROFILE": "no-such-profile",
    "AWS_REGION": "eu-central-1",
    "AWS_SESSION_TOKEN": "secret",
    "UPLOADS_BUCKET": "the-real-one",
    "MAX_UPLOAD_BYTES": str(LIMIT),
}


@contextmanager
def running(log_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of the stack, as soon as it answers, and its process."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "infra.local"]
    environment = {**ENVIRONMENT, "PORT": address.rpartition(":")[2]}
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
    try:
        wait_until_healthy(address, process, log_path.read_text)
        yield address, process
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("local") / "log.txt") as (address, _):
        yield address


def upload(stack: str, body: bytes) -> str:
    """Send `body` the long way, as the page does, and return the address of its result."""
    ticket = httpx2.post(f"{stack}/uploads").json()
    posted = httpx2.post(
        ticket["url"],
        data=ticket["fields"],
        files={"file": ("picture", body)},
        headers={"Origin": stack},
        timeout=60,
    )
    assert posted.status_code == 204, posted.text
    assert posted.headers["access-control-allow-origin"] in (stack, "*")
    return f"{stack}/{ticket['result']}"


def result_at(address: str) -> dict[str, Any]:
    """The result, once there is one."""
    wait_until(lambda: httpx2.get(address).json().get("status") != "pending", lambda: "the worker does not work")
    result: dict[str, Any] = httpx2.get(address).json()
    return result


def twelve_megapixels() -> bytes:
    """A JPEG larger than Lambda takes in a request."""
    noise = np.random.default_rng(7).integers(-40, 40, (3000, 4000, 3))
    pixels = np.asarray(trousers(3000).resize((4000, 3000))) + noise
    return encoded(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), "JPEG")


def test_a_picture_of_twelve_megapixels_gets_the_scores_that_classify_gives(stack: str) -> None:
    picture = twelve_megapixels()
    assert 6_000_000 < len(picture) < LIMIT
    result = result_at(upload(stack, picture))
    answer = httpx2.post(f"{stack}/classify", content=picture, timeout=60).json()
    assert result == {"id": result["id"], "status": "done", **answer}


def test_a_text_file_is_rejected(stack: str) -> None:
    result = result_at(upload(stack, b"no image"))
    assert (result["status"], result["title"]) == ("rejected", "Not an image")


def test_what_is_larger_than_the_ticket_allows_is_rejected_at_the_latest_by_the_worker(stack: str) -> None:
    result = result_at(upload(stack, bytes(LIMIT + 1)))
    assert (result["status"], result["title"]) == ("rejected", "Too large")


def test_an_unknown_id_is_not_found(stack: str) -> None:
    assert httpx2.get(f"{stack}/results/{'0' * 32}").status_code == 404


def test_a_browser_that_asks_first_may_post_from_the_page(stack: str) -> None:
    asking = {"Origin": stack, "Access-Control-Request-Method": "POST"}
    reply = httpx2.request("OPTIONS", httpx2.post(f"{stack}/uploads").json()["url"], headers=asking)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] in (stack, "*")
    assert "POST" in reply.headers["access-control-allow-methods"]


def test_no_other_machine_can_reach_it(stack: str) -> None:
    for address in (stack, httpx2.post(f"{stack}/uploads").json()["url"]):
        assert urlsplit(address).hostname == "127.0.0.1"
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection(("127.0.0.2", urlsplit(address).port), timeout=5)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
def test_it_takes_uploads_from_its_first_answer_on_and_ends_cleanly(
    ending: signal.Signals, drawing: bytes, tmp_path: Path
) -> None:
    log_path = tmp_path / "log.txt"
    with running(log_path) as (address, process):
        assert result_at(upload(address, drawing))["status"] == "done"
        process.send_signal(ending)
        assert process.wait(timeout=20) == 0
    log = log_path.read_text()
    assert "Uploads go to an emulated S3 at http://127.0.0.1:" in log
    assert [line for line in log.splitlines() if not line.startswith("INFO:  ")] == []


def test_a_wrong_setting_stops_the_start_with_a_clear_message() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=PROJECT,
        env={"MAX_PIXELS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (2, "MAX_PIXELS must be a whole number above 0, but is 'many'\n")
