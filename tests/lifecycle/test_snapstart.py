"""SnapStart: restored copies of a function have distinct ids, connections and random numbers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.api.test_request_telemetry import steps
from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS
from tests.support.cloudwatch import metrics_in
from tests.support.machine import PROJECT

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")


class EmptyStorage(BaseHTTPRequestHandler):
    """S3 without objects, which keeps connections open as AWS does; moto closes them."""

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
        """Log nothing."""


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """The address of an S3 without objects."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyStorage) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Run:
    """The observations and the log of a function and of two copies restored from its snapshot."""

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
        command = [sys.executable, "-m", "tests.support.snapstart_fork", entry]
        run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        lines = run.stdout.splitlines()
        self.log = "\n".join(line for line in lines if not line.startswith("SEEN "))
        self.seen: list[dict[str, Any]] = [json.loads(line[5:]) for line in lines if line.startswith("SEEN ")]
        assert len(self.seen) == 3

    def all_of(self, what: str) -> list[str]:
        return list(chain.from_iterable(seen[what] for seen in self.seen))

    def cold_starts(self) -> int:
        return sum(len(values) for metric, values in metrics_in(self.log).items() if metric.name == "ColdStart")


@pytest.fixture(scope="module")
def runs(storage: str) -> Callable[[str], Run]:
    """The run of an entry point, started once."""
    return cache(lambda entry: Run(entry, storage))


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["http", "worker"])
def test_restored_copies_share_no_connections_or_random_numbers(entry: str, runs: Callable[[str], Run]) -> None:
    run = runs(entry)
    assert all(seen["connections"] for seen in run.seen)
    assert len(set(run.all_of("connections"))) == len(run.all_of("connections"))
    assert len({seen["random"] for seen in run.seen}) == 3
    assert run.cold_starts() == 3


@pytest.mark.slow
def test_restored_copies_have_distinct_ids_and_new_cold_starts(runs: Callable[[str], Run]) -> None:
    run = runs("http")
    assert len(set(run.all_of("ids"))) == 9
    assert [seen["status"] for seen in run.seen] == [404, 404, 404]
    original, *restored = [steps(seen["timing"])["cold"] for seen in run.seen]
    assert max(restored) < original / 4  # without imports


def test_hook_package_is_not_imported_without_snapstart() -> None:
    program = "import sys, handler.http_entry; sys.exit('snapshot_restore_py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False).returncode == 0
