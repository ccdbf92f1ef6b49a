"""Throughput benchmark: which responses count as errors; this project's server and those peers that are installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread

import pytest

from bench import throughput
from bench.environments import THIS, environment
from bench.load import Payload, ServerUnavailable, load, wait_until_ready
from bench.processes import cpu_seconds, memory_mb
from bench.requests import KINDS, PHOTO
from bench.results import CannotMeasure
from bench.servers import Server, peers, running, serve

IMAGE_PAYLOAD = Payload(b"an image", {"Content-Type": "image/png"}, b'{"label":"Bag"')
RIGHT = (200, b'{"label":"Bag","score":1}')


@contextmanager
def server(responses: list[tuple[int, bytes]]) -> Iterator[str]:
    """Respond to the expected payload with each of `responses` in turn."""
    turns = cycle(responses)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            as_sent = (body, self.headers["Content-Type"]) == (IMAGE_PAYLOAD.body, "image/png")
            status, content = next(turns) if as_sent else (400, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running_server:
        Thread(target=running_server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running_server.server_port}/"
        running_server.shutdown()


@pytest.fixture
def wrk() -> None:
    if not shutil.which("wrk"):
        pytest.skip("wrk is not installed: apt-get install wrk")


@pytest.mark.usefixtures("wrk")
@pytest.mark.parametrize(
    ("bad", "share"),
    [((200, b'{"label":"Coat","score":1}'), 0.5), ((500, RIGHT[1]), 0.5), ((429, b""), 0.5), (RIGHT, 0)],
    ids=["wrong label", "500", "429", "none"],
)
def test_wrong_responses_count_as_errors(bad: tuple[int, bytes], share: float) -> None:
    with server([RIGHT, bad]) as url:
        result = load(url, IMAGE_PAYLOAD, connections=1, seconds=1)

    assert result.responses > 0
    assert result.errors == pytest.approx(result.responses * share, abs=1)
    assert result.requests_per_second == pytest.approx(result.responses * (1 - share), rel=0.5)


@pytest.mark.usefixtures("wrk")
def test_stopped_server_is_unavailable() -> None:
    with server([RIGHT]) as url:
        pass

    with pytest.raises(ServerUnavailable, match=url):
        load(url, IMAGE_PAYLOAD, connections=1, seconds=1)
    with pytest.raises(ServerUnavailable, match=url):
        wait_until_ready(url, IMAGE_PAYLOAD, is_running=lambda: False)


def test_missing_wrk_is_named_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotMeasure, match="apt-get install wrk"):
        throughput.measure(quick=True, against=None)


def test_requirement_that_cannot_be_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")

    with pytest.raises(CannotMeasure, match=r"uv pip install .* failed: .*network was disabled"):
        environment("none", ["no-such-distribution-anywhere==1.0"])


@pytest.mark.slow
@pytest.mark.parametrize("peer", [serve(THIS, workers=2), *peers()], ids=lambda each: each.name)
def test_server_answers_each_kind_of_request(peer: Server) -> None:
    try:
        with running(peer) as up:
            assert set(up.payloads) == set(peer.paths)
            assert all(payload.expected for payload in up.payloads.values())
            assert cpu_seconds(up.pid) > 0.1
            assert memory_mb(up.pid) > 30
    except ServerUnavailable:
        raise
    except CannotMeasure as error:
        pytest.skip(str(error))


def test_response_with_another_class_is_rejected() -> None:
    with pytest.raises(ValueError, match="not Trouser"):
        next(iter(KINDS.values())).expect(b'{"label":"Bag"}')
    assert KINDS[PHOTO].expect(b'{"label": "Bag", "score": 1}') == b'{"label": "Bag"'
