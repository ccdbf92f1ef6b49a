"""The emulated AWS as the tests use it: emptied for each of them, and within reach of containers."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from handler.worker.worker import Worker
from infra.emulation import aws as emulation
from infra.emulation.aws import MAX_RECEIVE_COUNT
from infra.emulation.names import CREDENTIALS, RESULTS, UPLOADS
from tests.support.emulation import emulated_aws
from tests.support.machine import PROJECT

__all__ = ["CREDENTIALS", "MAX_RECEIVE_COUNT", "RESULTS", "UPLOADS", "Cloud", "emulated_aws", "new_cloud"]

WorkerOf = Callable[..., Worker]


class Cloud(emulation.Cloud):
    """Buckets and queues, and what a test wants to know of them."""

    def results(self) -> dict[str, Any]:
        """Every result by its key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=RESULTS)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: json.loads(self.s3.get_object(Bucket=RESULTS, Key=key)["Body"].read()) for key in keys}


def new_cloud(port: int) -> Cloud:
    """Empty buckets and queues, and nothing else, in the emulated AWS at `port`."""
    httpx2.post(f"http://127.0.0.1:{port}/moto-api/reset").raise_for_status()
    return Cloud.create(port)


def work_through(aws: Cloud, worker: Worker) -> int:
    """Let `worker` empty the queue; return how many messages it was given."""
    given = 0
    while (event := aws.receive())["Records"]:
        given += len(event["Records"])
        aws.acknowledge(event, worker.handle(event))
    return given


@contextmanager
def meanwhile(act: Callable[[], object], pause_seconds: float = 0) -> Iterator[None]:
    """Beside what follows, `act` again and again; what was begun is finished."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(pause_seconds):
            act()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def event_file(name: str) -> dict[str, Any]:
    """One of the sample events that people use, too."""
    event: dict[str, Any] = json.loads((PROJECT / "infra" / "events" / name).read_text(encoding="utf-8"))
    return event


def let_be_about(event: dict[str, Any], etag: str, version_id: str) -> None:
    """Lets the event's one message be about an object that is really there."""
    (message,) = event["Records"]
    body = json.loads(message["body"])
    body["Records"][0]["s3"]["object"] |= {"eTag": etag.strip('"'), "versionId": version_id}
    message["body"] = json.dumps(body)
