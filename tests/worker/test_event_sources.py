"""Every envelope in which AWS may hand an upload to the worker, as people find them in infra/events."""

import json
from dataclasses import replace
from typing import Any

import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.event_sources import DeliveryFailed, deliveries_in
from handler.worker.s3_events import UnknownEvent, sequence, uploads_in_text
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, event_file
from tests.support.machine import PROJECT

KEY = "summer 2026/50% blue+white (1).jpg"
SETTINGS = Settings(results_bucket=RESULTS)
DIRECT = ["s3-one-upload.json", "sns-one-upload.json", "eventbridge-object-created.json"]
QUEUED = ["sqs-sns-one-upload.json", "sqs-eventbridge-and-backfill.json"]
JOBS = ["s3-batch-1.0.json", "s3-batch-2.0.json"]


@pytest.fixture
def worker(aws: Cloud, classifier: Classifier, card: ModelCard) -> Worker:
    return Worker(aws.s3, classifier, card, SETTINGS)


def keys_in(event: dict[str, Any]) -> list[list[str]]:
    return [[upload.key for upload in delivery.uploads] for delivery in deliveries_in(event)]


def about(event: dict[str, Any], etag: str, version_id: str) -> Any:
    """The same event about an object that is really there."""
    old = {"52a1d03b3fe36c853ab368730b63e110": etag.strip('"'), "096fKKXTRTtl3on89fVO.nfljtsv6qko": version_id}
    text = json.dumps(event)
    for example, real in old.items():
        text = text.replace(example, real)
    return json.loads(text)


@pytest.mark.parametrize("name", DIRECT + QUEUED + JOBS)
def test_an_upload_is_found_in_every_envelope_and_gets_one_result(
    aws: Cloud, worker: Worker, png: bytes, name: str
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=png)
    worker.handle(about(event_file(name), put["ETag"], put["VersionId"]))
    ((key, result),) = aws.results().items()
    assert key == f"results/{UPLOADS}/{KEY}/{put['VersionId']}.json"
    assert (result["key"], result["label"]) == (KEY, "Trouser")
    assert result["uploaded"].startswith("2026-11-20T08:15:30") or name in JOBS


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("sqs-one-upload.json", [["t-shirt.jpg"]]),
        (
            "sqs-several-uploads.json",
            [["summer 2026/blue t-shirt (1).jpg", "a+b.jpg"], ["50% off.jpg"], ["衣服/T恤.jpg"]],
        ),
        ("sqs-test-event.json", [[]]),
        ("sqs-deleted.json", [[]]),
    ],
)
def test_an_event_names_the_keys_as_they_were_uploaded(name: str, keys: list[list[str]]) -> None:
    assert keys_in(event_file(name)) == keys


def test_every_sample_event_of_the_worker_is_known_here() -> None:
    names = {path.name for path in (PROJECT / "infra" / "events").glob("*.json")}
    others = {"sqs-one-upload.json", "sqs-several-uploads.json", "sqs-test-event.json", "sqs-deleted.json"}
    assert names == {*DIRECT, *QUEUED, *JOBS, *others, "sqs-unknown.json", *(n for n in names if n.startswith("http"))}


def test_what_else_s3_tells_is_no_upload() -> None:
    event = event_file("eventbridge-object-created.json")
    assert keys_in({**event, "detail-type": "Object Tags Added"}) == [[]]
    assert keys_in({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}) == [[]]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        "\0",
        "[" * 100_000,
        '{"Records": []}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {}, "object": {}}}]}',
        '{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "hello"}}]}',
        '{"Type": "Notification", "Message": "hello"}',
        '{"Type": "SubscriptionConfirmation", "Message": "hello"}',
        '{"source": "clothes-classifier", "detail-type": "Image Classified", "detail": {}}',
        '{"detail-type": "Object Created", "detail": {}, "time": "2026-11-20T08:15:30Z"}',
        '{"invocationSchemaVersion": "3.0", "invocationId": "1", "tasks": []}',
    ],
    ids=lambda body: body[:60],
)
def test_what_is_no_storage_event_is_not_passed_over(worker: Worker, body: str) -> None:
    with pytest.raises(UnknownEvent):
        uploads_in_text(body)
    message = {"messageId": "1", "body": body, "eventSource": "aws:sqs"}
    assert worker.handle({"Records": [message]}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_an_unknown_event_that_came_directly_raises(worker: Worker) -> None:
    with pytest.raises(DeliveryFailed, match="no storage event"):
        worker.handle({"hello": "world"})


@pytest.mark.parametrize("name", DIRECT)
def test_what_came_directly_and_cannot_be_stored_raises_so_that_lambda_tries_again(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes, name: str
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=png)
    misconfigured = Worker(aws.s3, classifier, card, replace(SETTINGS, results_bucket="no-such-bucket"))
    with pytest.raises(DeliveryFailed, match="NoSuchBucket"):
        misconfigured.handle(about(event_file(name), put["ETag"], put["VersionId"]))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_hears_what_became_of_each_task(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes, name: str
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=png)
    event = about(event_file(name), put["ETag"], put["VersionId"])
    (task,) = event["tasks"]
    event["tasks"] += [
        {**task, "taskId": "deleted", "s3Key": "no+such.png", "s3VersionId": None},
        {"taskId": "malformed"},
    ]
    replies = [
        Worker(aws.s3, classifier, card, replace(SETTINGS, results_bucket=bucket)).handle(event)
        for bucket in (RESULTS, "no-such-bucket")
    ]
    for reply in replies:
        assert reply["invocationSchemaVersion"] == event["invocationSchemaVersion"]
        assert reply["invocationId"] == event["invocationId"]
        assert [result["taskId"] for result in reply["results"]] == [task["taskId"], "deleted", "malformed"]
    codes = [[result["resultCode"] for result in reply["results"]] for reply in replies]
    assert codes == [
        ["Succeeded", "Succeeded", "PermanentFailure"],
        ["TemporaryFailure", "Succeeded", "PermanentFailure"],
    ]
    assert replies[0]["results"][0]["resultString"] == next(iter(aws.results()))


@pytest.mark.parametrize(
    ("older", "newer"),
    [("0055AED6DCD90281E5", "0055AED6DCD90281E6"), ("0055AE", "0055AED6"), ("00a", "00B"), (None, "0055AE")],
)
def test_sequencers_compare_as_s3_says(older: str | None, newer: str) -> None:
    assert sequence(older) < sequence(newer)
    assert sequence("0055AE") == sequence("0055AE00") == sequence("0055ae")
