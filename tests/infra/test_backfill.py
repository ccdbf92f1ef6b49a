"""What is in the bucket already gets one result each: the real state machine, the real worker, an S3 that fails."""

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
from tests.support.aws import RESULTS, UPLOADS, Cloud, meanwhile
from tests.support.faults import OUTAGE, Faults
from tests.support.pictures import encoded, trousers
from tests.support.step_functions import emulated_state_machine

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

OBJECTS: Final = int(os.environ.get("BACKFILL_OBJECTS", "200"))  # 10,000 take some minutes
EVERY_SECONDS: Final = min(OBJECTS / 2000, 1)  # between two looks
SEED: Final = 5
FAULTS: Final = {operation: {"503 SlowDown": 0.02, "answer lost": 0.02} for operation in ("GetObject", "PutObject")}


@dataclass(frozen=True)
class Site:
    """A stack whose bucket is full of pictures that nobody classified, and what its backfill says."""

    aws: Cloud
    sfn: "SFNClient"
    stack: Stack
    worker: Worker
    faults: Faults
    said: list[str] = field(default_factory=list)

    @property
    def backfill(self) -> Backfill:
        return Backfill(self.stack, self.aws.s3, self.aws.sqs, self.sfn, self.said.append)


@pytest.fixture
def site(aws: Cloud, monkeypatch: pytest.MonkeyPatch, classifier: Classifier, card: ModelCard) -> Site:
    sfn, arn = emulated_state_machine(aws, monkeypatch)
    stack = Stack("clothes", UPLOADS, RESULTS, aws.queue_url, aws.dead_letter_url, arn)
    faults = Faults(SEED, FAULTS)
    worker = Worker(faults.s3(aws.port), classifier, card, Settings(results_bucket=RESULTS))
    return Site(aws, sfn, stack, worker, faults)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What the worker and moto say of each fault would take longer than the rest."""
    caplog.set_level("CRITICAL")


def fill(aws: Cloud, count: int) -> None:
    """Objects that nobody was told of, with awkward keys; one in a hundred is no picture."""
    aws.s3.put_bucket_notification_configuration(Bucket=UPLOADS, NotificationConfiguration={})
    png = encoded(trousers(28))
    for place in range(count):
        aws.s3.put_object(Bucket=UPLOADS, Key=key(place), Body=b"no picture" if place % 100 == 99 else png)
    aws.s3.put_object(Bucket=UPLOADS, Key="folder/", Body=b"")


def key(place: int) -> str:
    return f"shop {place % 7}/50%+ü/{place:05}.png"


def working(site: Site) -> AbstractContextManager[None]:
    """Meanwhile the worker empties the queue; one delivery in ten comes twice."""
    chance = random.Random(SEED)

    def work() -> None:
        event = site.aws.receive(wait_seconds=1)
        if event["Records"] and chance.random() < 0.1:
            site.worker.handle(event)
        if event["Records"]:
            site.aws.acknowledge(event, site.worker.handle(event))

    return meanwhile(work)


def start_and_follow(site: Site) -> int:
    run = site.backfill.start_missing("")
    assert run
    with working(site):
        return site.backfill.follow(run, EVERY_SECONDS)


def results_by_key(aws: Cloud) -> dict[str, int]:
    """Of each result, how often it was written."""
    counts: dict[str, int] = {}
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=RESULTS, Prefix="results/"):
        for version in page.get("Versions", []):
            counts[version["Key"]] = counts.get(version["Key"], 0) + 1
    return counts


def expected_keys(aws: Cloud) -> set[str]:
    pages = aws.s3.get_paginator("list_object_versions").paginate(Bucket=UPLOADS)
    objects = [version for page in pages for version in page["Versions"] if version["Size"]]
    return {result_key(UPLOADS, each["Key"], each["VersionId"]) for each in objects}


def test_each_object_ends_with_exactly_one_result(site: Site) -> None:
    fill(site.aws, OBJECTS)
    assert start_and_follow(site) == 0
    print(f"\n{site.said[-2]}\n{site.said[-1]}\nfaults: {dict(site.faults.injected)}")

    written = results_by_key(site.aws)
    assert set(written) == expected_keys(site.aws)
    assert len(written) == OBJECTS
    assert set(written.values()) == {1}
    statuses = [document["status"] for name, document in site.aws.results().items() if name in written]
    assert statuses.count("rejected") == OBJECTS // 100
    assert statuses.count("done") == OBJECTS - OBJECTS // 100
    assert set(site.faults.injected) == {"503 SlowDown", "answer lost"}
    assert site.said[0] == f"0 of {OBJECTS:,} objects have a result"
    assert any(line.startswith(f"sent {OBJECTS:,} of {OBJECTS:,}, ") and "about $0.0" in line for line in site.said)
    assert site.said[-1] == f"{OBJECTS:,} of {OBJECTS:,} objects have a result"


def test_a_second_run_does_only_what_is_missing(site: Site) -> None:
    fill(site.aws, 12)
    assert start_and_follow(site) == 0
    before = site.aws.results()
    lost = [name for name in before if name.startswith("results/")][:2]
    for name in lost:
        site.aws.s3.delete_object(Bucket=RESULTS, Key=name)
    site.aws.s3.put_object(Bucket=UPLOADS, Key=key(3), Body=encoded(trousers(56)))  # another version
    site.said.clear()
    assert start_and_follow(site) == 0
    assert site.said[0] == "9 of 12 objects have a result"
    assert set(lost) <= set(site.aws.results())

    site.said.clear()
    assert site.backfill.start_missing("") is None
    assert site.said == ["12 of 12 objects have a result"]


def test_everything_below_a_prefix_is_sent_whether_it_has_a_result_or_not(site: Site) -> None:
    fill(site.aws, 20)
    run = site.backfill.start_listing("shop 1/")
    with working(site):
        assert site.backfill.follow(run, EVERY_SECONDS) == 0
    assert len(results_by_key(site.aws)) == 3  # 1, 8 and 15
    assert site.said[-1] == "3 of 3 objects have a result"


def test_a_run_is_taken_up_by_its_name(site: Site) -> None:
    fill(site.aws, 5)
    run = site.backfill.start_missing("")
    assert run
    assert site.backfill.take_up(run.name) == run
    with pytest.raises(CannotBackfill, match="no run 'yesterday'"):
        site.backfill.take_up("yesterday")
    with working(site):  # else it would send to the next test's queue
        assert site.backfill.follow(run, EVERY_SECONDS) == 0


def test_an_inventory_is_read_only_where_the_state_machine_may(site: Site) -> None:
    for address in ("s3://elsewhere/inventory/manifest.json", f"s3://{RESULTS}/other/manifest.json", "manifest.json"):
        with pytest.raises(CannotBackfill, match=f"only below s3://{RESULTS}/inventory/"):
            site.backfill.start_inventory(address)


def test_what_fails_again_and_again_is_told(site: Site) -> None:
    fill(site.aws, 3)
    run = site.backfill.start_missing("")
    assert run
    with broken(site), working(site):
        assert site.backfill.follow(run, EVERY_SECONDS) == 1
    assert "dead 3" in site.said[-3]
    assert site.said[-2:] == [
        "0 of 3 objects have a result",
        "see the dead-letter queue: `python -m infra redrive` brings its messages back; or start again",
    ]


@contextmanager
def broken(site: Site) -> Iterator[None]:
    """Meanwhile S3 answers nothing but 503."""
    site.faults.rates = OUTAGE
    try:
        yield
    finally:
        site.faults.rates = FAULTS
