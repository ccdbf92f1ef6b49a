"""Slow downloads: each has a time of its own, the others have their results, and nothing goes on after the deadline."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from handler.settings import Settings
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf
from tests.support.images import encoded
from tests.support.slow_s3 import slow_s3

SECONDS = 3.0  # of the invocation


def messages(*keys: str) -> dict[str, Any]:
    event = (
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "%s"}, "object": {"key": "%s"}}}]}'
    )
    return {"Records": [{"messageId": key, "eventSource": "aws:sqs", "body": event % (UPLOADS, key)} for key in keys]}


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def download_threads() -> int:
    return sum(thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate())


@pytest.mark.parametrize("bad", ["slow.png", "silent.png"])
def test_slow_object_fails_alone(aws: Cloud, worker_of: WorkerOf, png: bytes, bad: str) -> None:
    """Also if it holds all memory for downloads, and if a neighbour is costly, so that it is decoded last."""
    innocents = {**{f"{number}.png": png for number in range(7)}, "large.png": encoded(Image.new("L", (5_500, 5_500)))}
    for key, body in innocents.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    worker = worker_of(Settings(results_bucket=RESULTS, max_bytes_in_flight=1_000))
    with slow_s3(aws.s3, size=900):
        response = worker.handle(messages(bad, *innocents), seconds=SECONDS)
    assert response == {"batchItemFailures": [{"itemIdentifier": bad}]}
    assert {result["key"] for result in aws.results().values()} == innocents.keys()


def test_downloads_end_with_the_invocation(aws: Cloud, worker_of: WorkerOf) -> None:
    """Those that are being read, and those that wait for memory or for a thread."""
    keys = [f"slow-{number}.png" for number in range(12)]
    worker = worker_of(Settings(results_bucket=RESULTS, max_bytes_in_flight=2_000_000, downloads_at_once=4))
    before = download_threads()
    with slow_s3(aws.s3, size=900_000) as slow:
        started = time.monotonic()
        failures = worker.handle(messages(*keys), seconds=SECONDS)["batchItemFailures"]
        assert time.monotonic() - started < SECONDS + 1
        assert [failure["itemIdentifier"] for failure in failures] == keys
        assert wait_for(lambda: download_threads() == before)
        assert slow.closed.acquire(timeout=5)
