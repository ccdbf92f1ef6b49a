"""Backfill with the real state machine and worker and a failing S3: each object gets exactly one result."""

import os
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.result_keys import result_key
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.operations.backfill import Backfill, CannotBackfill
from infra.operations.stack import Stack
from tests.support.aws import RESULTS, UPLOADS, Cloud, repeated_in_background
from tests.support.faults import OUTAGE, Faults
from tests.support.images import encoded, trousers
from tests.support.step_functions import emulated_state_machine

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

pytestmark = pytest.mark.slow

OBJECTS: Final = int(os.environ.get("BACKFILL_OBJECTS", "200"))  # 10,000 take some minutes
EVERY_SECONDS: Final = min(OBJECTS / 2000, 1)  # polling interval
SEED: Final = 5
FAULTS: Final = {operation: {"503 SlowDown": 0.02, "response lost": 0.02} for operation in ("GetObject", "PutObject")}


@dataclass(frozen=True)
class Site:
    """A stack whose bucket has unclassified objects, and the lines that its backfill reports."""

    aws: Cloud
    sfn: "SFNClient"
    stack: Stack
    worker: Worker
    faults: Faults
    reported: list[str] = field(default_factory=list)

    @property
    def backfill(self) -> Backfill:
        return Backfill(self.stack, self.aws.s3, self.aws.sqs, self.sfn, self.reported.append)


@pytest.fixture
def site(aws: Cloud, monkeypatch: pytest.MonkeyPatch, classifier: Classifier, card: ModelCard) -> Site:
    sfn, arn = emulated_state_machine(aws, monkeypatch)
    stack = Stack("clothes", UPLOADS, RESULTS, aws.queue_url, aws.dead_letter_url, arn)
    faults = Faults(SEED, FAULTS)
    worker = Worker(faults.s3(aws.port), classifier, card, Settings(results_bucket=RESULTS))
    return Site(aws, sfn, stack, worker, faults)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Logging each fault would take longer than the rest of the test."""
    caplog.set_level("CRITICAL")


def fill(aws: Cloud, count: int) -> None:
    """Put objects without notifications, with awkward keys; one in a hundred is not an image."""
    aws.s3.put_bucket_notification_configuration(Bucket=UPLOADS, NotificationConfiguration={})
    png = encoded(trousers(28))
    for place in range(count):
        aws.s3.put_object(Bucket=UPLOADS, Key=key(place), Body=b"no image" if place % 100 == 99 else png)
    aws.s3.put_object(Bucket=UPLOADS, Key="folder/", Body=b"")


def key(place: int) -> str:
    return f"shop {place % 7}/50%+ü/{place:05}.png"


def working(site: Site) -> AbstractContextManager[None]:
    """Run the worker in the background; one batch in ten is delivered twice."""
    rng = random.Random(SEED)

    def work() -> None:
        event = site.aws.receive(wait_seconds=1)
        if event["Records"] and rng.random() < 0.1:
            site.worker.handle(event)
        if event["Records"]:
            site.aws.acknowledge(event, site.worker.handle(event))

    return repeated_in_background(work)


def start_and_follow(site: Site) -> int:
    run = site.backfill.start_missing("")
    assert run
    with working(site):
        return site.backfill.follow(run, EVERY_SECONDS)


def writes_by_key(aws: Cloud) -> dict[str, int]:
    """The number of writes of each result."""
    counts: dict[str, int] = {}
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=RESULTS, Prefix="results/"):
        for version in page.get("Versions", []):
            counts[version["Key"]] = counts.get(version["Key"], 0) + 1
    return counts


def expected_keys(aws: Cloud) -> set[str]:
    pages = aws.s3.get_paginator("list_object_versions").paginate(Bucket=UPLOADS)
    objects = [version for page in pages for version in page["Versions"] if version["Size"]]
    return {result_key(UPLOADS, each["Key"], each["VersionId"]) for each in objects}


def test_backfill_writes_exactly_one_result_per_object(site: Site) -> None:
    fill(site.aws, OBJECTS)
    assert start_and_follow(site) == 0
    print(f"\n{site.reported[-2]}\n{site.reported[-1]}\nfaults: {dict(site.faults.injected)}")

    written = writes_by_key(site.aws)
    assert set(written) == expected_keys(site.aws)
    assert len(written) == OBJECTS
    assert set(written.values()) == {1}
    statuses = [document["status"] for name, document in site.aws.results().items() if name in written]
    assert statuses.count("rejected") == OBJECTS // 100
    assert statuses.count("done") == OBJECTS - OBJECTS // 100
    assert set(site.faults.injected) == {"503 SlowDown", "response lost"}
    assert site.reported[0] == f"0 of {OBJECTS:,} objects have a result"
    assert any(line.startswith(f"sent {OBJECTS:,} of {OBJECTS:,}, ") and "about $0.0" in line for line in site.reported)
    assert site.reported[-1] == f"{OBJECTS:,} of {OBJECTS:,} objects have a result"


def test_second_run_sends_only_objects_without_result(site: Site) -> None:
    fill(site.aws, 12)
    assert start_and_follow(site) == 0
    before = site.aws.results()
    lost = [name for name in before if name.startswith("results/")][:2]
    for name in lost:
        site.aws.s3.delete_object(Bucket=RESULTS, Key=name)
    site.aws.s3.put_object(Bucket=UPLOADS, Key=key(3), Body=encoded(trousers(56)))  # another version
    site.reported.clear()
    assert start_and_follow(site) == 0
    assert site.reported[0] == "9 of 12 objects have a result"
    assert set(lost) <= set(site.aws.results())

    site.reported.clear()
    assert site.backfill.start_missing("") is None
    assert site.reported == ["12 of 12 objects have a result"]


def test_listing_sends_all_objects_below_prefix(site: Site) -> None:
    fill(site.aws, 20)
    run = site.backfill.start_listing("shop 1/")
    with working(site):
        assert site.backfill.follow(run, EVERY_SECONDS) == 0
    assert len(writes_by_key(site.aws)) == 3  # 1, 8 and 15
    assert site.reported[-1] == "3 of 3 objects have a result"


def test_run_is_resumed_by_name(site: Site) -> None:
    fill(site.aws, 5)
    run = site.backfill.start_missing("")
    assert run
    assert site.backfill.resume(run.name) == run
    with pytest.raises(CannotBackfill, match="no run 'yesterday'"):
        site.backfill.resume("yesterday")
    with working(site):  # else the run would send to the next test's queue
        assert site.backfill.follow(run, EVERY_SECONDS) == 0


def test_inventory_outside_permitted_prefix_is_refused(site: Site) -> None:
    for address in ("s3://elsewhere/inventory/manifest.json", f"s3://{RESULTS}/other/manifest.json", "manifest.json"):
        with pytest.raises(CannotBackfill, match=f"only below s3://{RESULTS}/inventory/"):
            site.backfill.start_inventory(address)


def test_permanent_failures_are_reported_as_dead(site: Site) -> None:
    fill(site.aws, 3)
    run = site.backfill.start_missing("")
    assert run
    with broken(site), working(site):
        assert site.backfill.follow(run, EVERY_SECONDS) == 1
    assert "dead 3" in site.reported[-3]
    assert site.reported[-2:] == [
        "0 of 3 objects have a result",
        "check the dead-letter queue, and retry it with `python -m infra redrive`, or start a new run",
    ]


@contextmanager
def broken(site: Site) -> Iterator[None]:
    """Make S3 answer every request with 503."""
    site.faults.rates = OUTAGE
    try:
        yield
    finally:
        site.faults.rates = FAULTS
