"""Emulated AWS for tests: reset for each of them, and reachable from containers."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from handler.worker.worker import Worker
from infra.emulation.aws import MAX_RECEIVE_COUNT, EmulatedAws
from infra.emulation.names import CREDENTIALS, RESULTS, UPLOADS
from tests.support.emulation import emulated_aws
from tests.support.machine import PROJECT

__all__ = ["CREDENTIALS", "MAX_RECEIVE_COUNT", "RESULTS", "UPLOADS", "Cloud", "emulated_aws", "new_cloud"]

WorkerOf = Callable[..., Worker]


class Cloud(EmulatedAws):
    """The buckets and queues, with a view of the results."""

    def results(self) -> dict[str, Any]:
        """All results by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=RESULTS)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: json.loads(self.s3.get_object(Bucket=RESULTS, Key=key)["Body"].read()) for key in keys}


def new_cloud(port: int) -> Cloud:
    """Reset the emulated AWS at `port`, and create its buckets and queues."""
    reset = urllib3.request("POST", f"http://127.0.0.1:{port}/moto-api/reset", timeout=60)  # by default, 3 seconds
    assert reset.status == 200, reset.data
    return Cloud.create(port)


def work_through(aws: Cloud, worker: Worker) -> int:
    """Let `worker` process all messages of the queue; return their number."""
    count = 0
    while (event := aws.receive())["Records"]:
        count += len(event["Records"])
        aws.acknowledge(event, worker.handle(event))
    return count


@contextmanager
def repeated_in_background(act: Callable[[], object], pause_seconds: float = 0) -> Iterator[None]:
    """Call `act` repeatedly in a thread until the block ends; the last call is completed."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(pause_seconds):
            act()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def event_file(name: str) -> dict[str, Any]:
    """A sample event of infra/events."""
    event: dict[str, Any] = json.loads((PROJECT / "infra" / "events" / name).read_text(encoding="utf-8"))
    return event


def refer_to_object(event: dict[str, Any], etag: str, version_id: str) -> None:
    """Change the only message of `event` to refer to an object that exists."""
    (message,) = event["Records"]
    body = json.loads(message["body"])
    body["Records"][0]["s3"]["object"] |= {"eTag": etag.strip('"'), "versionId": version_id}
    message["body"] = json.dumps(body)
