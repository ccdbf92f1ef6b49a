"""Throughput: what counts as an answer and what as an error, and that both servers give the right ones."""

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
from bench.load import DoesNotAnswer, Load, NoWrk, Posted, load, post, wait_until_it_answers
from bench.servers import as_event, uvicorn
from bench.throughput import EMULATOR, UVICORN
from tests.support.machine import PROJECT, missing

PICTURE = Posted(b"a picture", "image/png", '{"label":"Bag",')
RIGHT = (200, b'{"label":"Bag","score":1}')


@contextmanager
def server(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """Gives these answers again and again, if it is posted the picture."""
    turns = cycle(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            as_sent = (body, self.headers["Content-Type"]) == (PICTURE.body, PICTURE.content_type)
            status, answer = next(turns) if as_sent else (400, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def wrk() -> None:
    if not shutil.which("wrk"):
        pytest.skip("wrk is not installed: apt-get install wrk")


@pytest.mark.usefixtures("wrk")
def test_right_answers_are_counted_and_timed() -> None:
    with server([RIGHT]) as url:
        found = load(url, PICTURE, connections=2, seconds=1)

    assert found.errors == 0
    assert found.answers > 0
    assert found.requests_per_second == pytest.approx(found.answers, rel=0.5)
    assert 0 < found.p50 <= found.p95 <= found.p99 < 1


@pytest.mark.usefixtures("wrk")
@pytest.mark.parametrize(
    "bad", [(200, b'{"label":"Coat","score":1}'), (500, RIGHT[1]), (429, b"")], ids=["wrong label", "500", "429"]
)
def test_other_answers_are_errors_and_no_pictures(bad: tuple[int, bytes]) -> None:
    with server([RIGHT, bad]) as url:
        found = load(url, PICTURE, connections=1, seconds=1)

    assert found.errors == pytest.approx(found.answers / 2, abs=1)
    assert found.requests_per_second == pytest.approx(found.answers / 2, rel=0.5)


@pytest.mark.usefixtures("wrk")
def test_server_that_is_not_there_is_no_measurement() -> None:
    with server([RIGHT]) as url:
        pass

    with pytest.raises(DoesNotAnswer, match=url):
        load(url, PICTURE, connections=1, seconds=1)


def test_without_wrk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoWrk, match="apt-get install wrk"):
        throughput.measure(quick=True)


def test_server_that_ends_is_not_waited_for() -> None:
    with server([RIGHT]) as url:
        pass

    with pytest.raises(DoesNotAnswer, match=url):
        wait_until_it_answers(url, PICTURE, runs=lambda: False)


def test_uvicorn_answers_each_picture_as_the_classifier_does() -> None:
    pictures = throughput.pictures_to_post()

    with uvicorn(next(iter(pictures.values()))) as url:
        answers = {name: post(url, picture) for name, picture in pictures.items()}

    assert len(answers) == 2
    assert all(answers[name].startswith(picture.expected) for name, picture in pictures.items())


def test_event_expects_the_answer_as_a_string_in_the_functions_reply() -> None:
    event = as_event(PICTURE)

    assert json.loads(event.body)["headers"]["Content-Type"] == "image/png"
    assert event.expected in json.dumps({"statusCode": 200, "body": RIGHT[1].decode()})


@pytest.mark.usefixtures("wrk")
def test_both_servers_answer_what_is_sent_to_them_by_one_connection() -> None:
    here = shutil.which("docker") and subprocess.run(
        ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
    )
    if not here or here.returncode or not (PROJECT / ".venv-sam").exists():
        missing(f"Docker with the image {IMAGE} and SAM's emulator are not on this machine")

    section = throughput.measure(quick=True)

    (table,) = section.tables
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    alone = [row for row in rows if row["connections"] == 1]
    assert {(row["server"], row["picture"]) for row in alone} == {
        (name, picture) for name in (UVICORN, EMULATOR) for picture in throughput.pictures_to_post()
    }
    assert all(row["errors"] == 0 and row["answers"] for row in rows if row["server"] == UVICORN)
    assert all(row["answers"] for row in alone)  # the emulator, which may end at any time, is not this project's
    assert [len([name for name in plot.series if name.startswith(UVICORN)]) for plot in section.plots] == [2, 2]


def test_server_that_gave_no_right_answer_has_no_latency() -> None:
    assert throughput.cells([Load(0.0, 0.0, 0.0, 0.0, answers=0, errors=7)]) == (None, None, None, None, 0, 7)
