"""Requests that hang while results are stored or published: their uploads are delivered again, the others are done."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from handler.settings import Settings
from infra.emulation.names import REGION
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf

SECONDS = 2.0  # of the invocation, without its reserve
EXTRA_SECONDS = 4.0  # of the reserve, for storing and publishing


@contextmanager
def hanging(client: Any, operation: str, part_of_url: str = "") -> Iterator[None]:
    """Requests of `operation` wait before they are sent, until the block ends."""
    ended = threading.Event()

    def wait(request: Any, **_: Any) -> None:
        if part_of_url in request.url:
            ended.wait(timeout=60)

    client.meta.events.register_first(f"before-send.*.{operation}", wait)
    try:
        yield
    finally:
        client.meta.events.unregister(f"before-send.*.{operation}", wait)
        ended.set()


def upload(aws: Cloud, *keys: str, body: bytes) -> dict[str, Any]:
    aws.receive()  # S3's test event
    for key in keys:
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    return aws.receive()


def test_result_whose_write_hangs_is_delivered_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    event = upload(aws, "a.png", "bad.png", "c.png", body=png)
    worker = worker_of(Settings(results_bucket=RESULTS))
    with hanging(aws.s3, "PutObject", "bad.png"):
        started = time.monotonic()
        failures = worker.handle(event, SECONDS)["batchItemFailures"]
        assert time.monotonic() - started < SECONDS + EXTRA_SECONDS
        assert {result["key"] for result in aws.results().values()} == {"a.png", "c.png"}
    bodies = {each["messageId"]: each["body"] for each in event["Records"]}
    assert ["bad.png" in bodies[failure["itemIdentifier"]] for failure in failures] == [True]
    assert worker.handle(event) == {"batchItemFailures": []}
    assert {result["key"] for result in aws.results().values()} == {"a.png", "bad.png", "c.png"}


def test_batch_whose_publication_hangs_is_delivered_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    event = upload(aws, "a.png", "b.png", body=png)
    events = boto3.client("events", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)
    events.create_event_bus(Name="clothes")
    worker = worker_of(Settings(results_bucket=RESULTS, event_bus="clothes"), events=events)
    with hanging(events, "PutEvents"):
        started = time.monotonic()
        assert len(worker.handle(event, SECONDS)["batchItemFailures"]) == 2
        assert time.monotonic() - started < SECONDS + EXTRA_SECONDS
    assert len(aws.results()) == 2
    assert worker.handle(event) == {"batchItemFailures": []}
