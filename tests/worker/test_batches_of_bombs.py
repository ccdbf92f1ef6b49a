"""Sixty-four bombs in one event: what a header gives away is rejected, the others share the invocation's time."""

import json
import time
from typing import Any

import pytest

from handler.settings import Settings
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf
from tests.support.cost_cases import CASES

COUNT = 64
SETTINGS = Settings(results_bucket=RESULTS)
REFUSED = [
    ("WebP: 49 megapixels, lossless, in 38 bytes", "Too many pixels"),
    ("JPEG: 2,000 scans", "Too complex"),
    ("TIFF: 200,000 strips", "Too complex"),
    ("PNG: 1 x 49,000,000", "Too many pixels"),
]
BUDGET_SECONDS = 4

pytestmark = pytest.mark.slow  # hundreds of requests to an emulated S3


def upload(aws: Cloud, name: str, count: int) -> dict[str, Any]:
    """An SQS event of `count` copies of the image of a case."""
    (image,) = [case.make().sending["content"] for case in CASES if case.name == name]
    keys = [f"{number}.bomb" for number in range(count)]
    for key in keys:
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=image)
    return {"Records": [message(key) for key in keys]}


def message(key: str) -> dict[str, Any]:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": UPLOADS}, "object": {"key": key}}}
    return {"messageId": key, "eventSource": "aws:sqs", "body": json.dumps({"Records": [record]})}


@pytest.mark.parametrize(("name", "title"), REFUSED)
def test_bombs_are_rejected_without_decoding(aws: Cloud, worker_of: WorkerOf, name: str, title: str) -> None:
    event = upload(aws, name, COUNT)
    before = time.process_time()
    assert worker_of(SETTINGS).handle(event) == {"batchItemFailures": []}
    assert time.process_time() - before < 10  # most of it for the 128 requests to S3
    assert {result["title"] for result in aws.results().values()} == {title}
    assert len(aws.results()) == COUNT


def test_bombs_that_take_all_the_time_are_delivered_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    event = upload(aws, "WebP: 21 megapixels, lossless", COUNT)
    aws.s3.put_object(Bucket=UPLOADS, Key="63.bomb", Body=png)  # an innocent in place of the last
    started = time.monotonic()
    failures = worker_of(SETTINGS).handle(event, seconds=BUDGET_SECONDS)["batchItemFailures"]
    assert time.monotonic() - started < 10 * BUDGET_SECONDS
    stored = {result["key"] for result in aws.results().values()}
    assert "63.bomb" in stored
    assert stored.isdisjoint(failure["itemIdentifier"] for failure in failures)
    assert len(stored) + len(failures) == COUNT
    assert len(failures) > 20
