"""Throughput benchmark: which responses count as errors, and that both servers respond correctly."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread

import pytest

from bench import throughput
from bench.lambda_image import IMAGE
from bench.load import LoadResult, NoWrk, Payload, ServerUnavailable, load, post, wait_until_ready
from bench.servers import as_event, uvicorn
from bench.throughput import EMULATOR, UVICORN
from tests.support.machine import PROJECT, missing

pytestmark = pytest.mark.slow

IMAGE_PAYLOAD = Payload(b"an image", "image/png", '{"label":"Bag",')
RIGHT = (200, b'{"label":"Bag","score":1}')


@contextmanager
def server(responses: list[tuple[int, bytes]]) -> Iterator[str]:
    """Respond to the expected payload with each of `responses` in turn."""
    turns = cycle(responses)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            as_sent = (body, self.headers["Content-Type"]) == (IMAGE_PAYLOAD.body, IMAGE_PAYLOAD.content_type)
            status, content = next(turns) if as_sent else (400, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def wrk() -> None:
    if not shutil.which("wrk"):
        pytest.skip("wrk is not installed: apt-get install wrk")


@pytest.mark.usefixtures("wrk")
def test_correct_responses_are_counted_and_timed() -> None:
    with server([RIGHT]) as url:
        result = load(url, IMAGE_PAYLOAD, connections=2, seconds=1)

    assert result.errors == 0
    assert result.responses > 0
    assert result.requests_per_second == pytest.approx(result.responses, rel=0.5)
    assert 0 < result.p50 <= result.p95 <= result.p99 < 1


@pytest.mark.usefixtures("wrk")
@pytest.mark.parametrize(
    "bad", [(200, b'{"label":"Coat","score":1}'), (500, RIGHT[1]), (429, b"")], ids=["wrong label", "500", "429"]
)
def test_wrong_response_counts_as_error(bad: tuple[int, bytes]) -> None:
    with server([RIGHT, bad]) as url:
        result = load(url, IMAGE_PAYLOAD, connections=1, seconds=1)

    assert result.errors == pytest.approx(result.responses / 2, abs=1)
    assert result.requests_per_second == pytest.approx(result.responses / 2, rel=0.5)


@pytest.mark.usefixtures("wrk")
def test_load_of_stopped_server_raises_server_unavailable() -> None:
    with server([RIGHT]) as url:
        pass

    with pytest.raises(ServerUnavailable, match=url):
        load(url, IMAGE_PAYLOAD, connections=1, seconds=1)


def test_missing_wrk_raises_no_wrk_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoWrk, match="apt-get install wrk"):
        throughput.measure(quick=True)


def test_wait_for_ended_server_raises_server_unavailable() -> None:
    with server([RIGHT]) as url:
        pass

    with pytest.raises(ServerUnavailable, match=url):
        wait_until_ready(url, IMAGE_PAYLOAD, is_running=lambda: False)


def test_uvicorn_responds_as_the_classifier() -> None:
    images = throughput.payloads()

    with uvicorn(next(iter(images.values()))) as url:
        responses = {name: post(url, image) for name, image in images.items()}

    assert len(responses) == 2
    assert all(responses[name].startswith(image.expected) for name, image in images.items())


def test_event_expects_escaped_label_in_response_body() -> None:
    event = as_event(IMAGE_PAYLOAD)

    assert json.loads(event.body)["headers"]["Content-Type"] == "image/png"
    assert event.expected in json.dumps({"statusCode": 200, "body": RIGHT[1].decode()})


@pytest.mark.docker
@pytest.mark.usefixtures("wrk")
def test_both_servers_respond_to_one_connection() -> None:
    here = shutil.which("docker") and subprocess.run(
        ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
    )
    if not here or here.returncode or not (PROJECT / ".venv-sam").exists():
        missing(f"Docker with the image {IMAGE} and SAM's emulator are not on this machine")

    section = throughput.measure(quick=True)

    (table,) = section.tables
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    alone = [row for row in rows if row["connections"] == 1]
    assert {(row["server"], row["image"]) for row in alone} == {
        (name, image) for name in (UVICORN, EMULATOR) for image in throughput.payloads()
    }
    assert all(row["errors"] == 0 and row["responses"] for row in rows if row["server"] == UVICORN)
    assert all(row["responses"] for row in alone)  # the emulator is AWS's, and may end at any time
    assert [len([name for name in plot.series if name.startswith(UVICORN)]) for plot in section.plots] == [2, 2]


def test_server_without_correct_response_has_no_latency() -> None:
    assert throughput.cells([LoadResult(0.0, 0.0, 0.0, 0.0, responses=0, errors=7)]) == (None, None, None, None, 0, 7)
