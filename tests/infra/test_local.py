"""The whole stack in one process, as `make run` starts it: tickets, emulated S3 and worker over HTTP."""

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

from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT, free_port
from tests.support.waiting import wait_until, wait_until_healthy

pytestmark = pytest.mark.slow

LIMIT = 20_000_000
# AWS settings of a user, which the emulation must ignore.
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
    """Start the stack; yields its address and process once it answers."""
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
    """Upload `body` with a ticket, as the page does; return the address of its result."""
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()
    posted = httpx2.post(
        ticket["url"],
        data=ticket["fields"],
        files={"file": ("image", body)},
        headers={"Origin": stack},
        timeout=60,
    )
    assert posted.status_code == 204, posted.text
    assert posted.headers["access-control-allow-origin"] in (stack, "*")
    return f"{stack}/{ticket['result']}"


def result_at(address: str) -> dict[str, Any]:
    """Wait for the result."""
    wait_until(lambda: httpx2.get(address, timeout=60).json().get("status") != "pending", lambda: "no result")
    result: dict[str, Any] = httpx2.get(address, timeout=60).json()
    return result


def twelve_megapixels() -> bytes:
    """A JPEG above Lambda's limit of a request."""
    noise = np.random.default_rng(7).integers(-40, 40, (3000, 4000, 3))
    pixels = np.asarray(trousers(3000).resize((4000, 3000))) + noise
    return encoded(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), "JPEG")


def test_upload_of_12_megapixels_has_same_result_as_classify(stack: str) -> None:
    image = twelve_megapixels()
    assert 6_000_000 < len(image) < LIMIT
    result = result_at(upload(stack, image))
    classified = httpx2.post(f"{stack}/classify", content=image, timeout=60).json()
    assert result == {"id": result["id"], "status": "done", **classified}


def test_upload_of_text_is_rejected(stack: str) -> None:
    result = result_at(upload(stack, b"no image"))
    assert (result["status"], result["title"]) == ("rejected", "Not an image")


def test_upload_above_size_limit_is_refused_by_the_policy_of_its_ticket(stack: str) -> None:
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()
    posted = httpx2.post(ticket["url"], data=ticket["fields"], files={"file": ("image", bytes(LIMIT + 1))}, timeout=60)
    assert (posted.status_code, "EntityTooLarge" in posted.text) == (400, True)
    assert httpx2.get(f"{stack}/{ticket['result']}", timeout=60).status_code == 404


@pytest.mark.parametrize(
    ("missing", "file", "code"),
    [
        pytest.param("key", b"x", "InvalidArgument", id="key"),
        pytest.param("policy", b"x", "InvalidArgument", id="policy"),
        pytest.param("x-amz-signature", b"x", "InvalidArgument", id="signature"),
        pytest.param("", None, "InvalidArgument", id="file"),
        pytest.param("", b"", "EntityTooSmall", id="content"),
    ],
)
def test_upload_form_that_lacks_a_part_is_refused(stack: str, missing: str, file: bytes | None, code: str) -> None:
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()
    parts: dict[str, Any] = {name: (None, value) for name, value in ticket["fields"].items() if name != missing}
    if file is not None:
        parts["file"] = ("image", file)
    posted = httpx2.post(ticket["url"], files=parts, timeout=60)
    assert (posted.status_code, f"<Code>{code}</Code>" in posted.text) == (400, True), posted.text
    assert httpx2.get(f"{stack}/{ticket['result']}", timeout=60).status_code == 404


def test_post_that_is_no_form_is_refused(stack: str) -> None:
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()
    posted = httpx2.post(ticket["url"], content=b"an image", timeout=60)
    assert (posted.status_code, "<Code>InvalidArgument</Code>" in posted.text) == (400, True), posted.text


def test_second_upload_with_a_ticket_is_refused(stack: str) -> None:
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()
    posts = [
        httpx2.post(ticket["url"], data=ticket["fields"], files={"file": ("image", b"no image")}, timeout=60)
        for _ in "ab"
    ]
    assert [posted.status_code for posted in posts] == [204, 412]


def test_result_of_unknown_id_is_404(stack: str) -> None:
    assert httpx2.get(f"{stack}/results/{'0' * 32}", timeout=60).status_code == 404


def test_preflight_of_an_upload_is_allowed(stack: str) -> None:
    headers = {"Origin": stack, "Access-Control-Request-Method": "POST"}
    response = httpx2.request("OPTIONS", httpx2.post(f"{stack}/uploads").json()["url"], headers=headers, timeout=60)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] in (stack, "*")
    assert "POST" in response.headers["access-control-allow-methods"]


def test_stack_listens_on_loopback_only(stack: str) -> None:
    for address in (stack, httpx2.post(f"{stack}/uploads", timeout=60).json()["url"]):
        assert urlsplit(address).hostname == "127.0.0.1"
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection(("127.0.0.2", urlsplit(address).port), timeout=5)


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_stack_accepts_uploads_at_once_and_exits_cleanly(
    stop_signal: signal.Signals, drawing: bytes, tmp_path: Path
) -> None:
    log_path = tmp_path / "log.txt"
    with running(log_path) as (address, process):
        assert result_at(upload(address, drawing))["status"] == "done"
        process.send_signal(stop_signal)
        assert process.wait(timeout=20) == 0
    log = log_path.read_text()
    assert "Uploads go to an emulated S3 at http://127.0.0.1:" in log
    assert [line for line in log.splitlines() if not line.startswith("INFO:  ")] == []


def test_invalid_setting_exits_with_2_and_a_message() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=PROJECT,
        env={"MAX_PIXELS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (2, "MAX_PIXELS must be a whole number above 0, but is 'many'\n")
