"""A function that is restored from a snapshot has ids and connections of its own, and chance of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.api.test_request_telemetry import steps
from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS
from tests.support.cloudwatch import figures_in
from tests.support.machine import PROJECT

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")


class EmptyStorage(BaseHTTPRequestHandler):
    """A storage that has no object, and keeps connections open as S3 does; moto's closes them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"<Error><Code>NoSuchKey</Code></Error>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def storage() -> Iterator[str]:
    """The address of an empty storage."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyStorage) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Run:
    """What a function and two restored copies of it did and printed."""

    def __init__(self, entry: str, storage: str) -> None:
        environment = {
            **os.environ,
            **CREDENTIALS,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_REGION": "us-east-1",
            "METRICS_NAMESPACE": "shop",
            "RESULTS_BUCKET": RESULTS,
            "S3_ENDPOINT_URL": storage,
            "UPLOADS_BUCKET": UPLOADS,
        }
        command = [sys.executable, "-m", "tests.support.restored", entry]
        run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        lines = run.stdout.splitlines()
        self.log = "\n".join(line for line in lines if not line.startswith("SEEN "))
        self.seen: list[dict[str, Any]] = [json.loads(line[5:]) for line in lines if line.startswith("SEEN ")]
        assert len(self.seen) == 3

    def all_of(self, what: str) -> list[str]:
        return list(chain.from_iterable(seen[what] for seen in self.seen))

    def cold_starts(self) -> int:
        return sum(len(values) for metric, values in figures_in(self.log).items() if metric.name == "ColdStart")


@pytest.mark.parametrize("entry", ["http", "worker"])
def test_nobody_has_connections_or_chance_in_common_with_another(entry: str, storage: str) -> None:
    run = Run(entry, storage)
    assert all(seen["connections"] for seen in run.seen)
    assert len(set(run.all_of("connections"))) == len(run.all_of("connections"))
    assert len({seen["random"] for seen in run.seen}) == 3
    assert run.cold_starts() == 3


def test_ids_are_given_once_and_the_clock_begins_anew(storage: str) -> None:
    run = Run("http", storage)
    assert len(set(run.all_of("ids"))) == 9
    assert [seen["status"] for seen in run.seen] == [404, 404, 404]
    original, *restored = [steps(seen["timing"])["cold"] for seen in run.seen]
    assert max(restored) < original / 4  # nothing has to be imported again


def test_where_there_are_no_snapshots_there_are_no_hooks() -> None:
    program = "import sys, handler.http_entry; sys.exit('snapshot_restore_py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False).returncode == 0
