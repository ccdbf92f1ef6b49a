"""Event sources of the worker: SQS, S3, SNS, EventBridge and Batch Operations, on the samples of infra/events."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.event_sources import EventFailed, records_in
from handler.worker.s3_events import UnknownEvent, sequence, uploads_in_text
from handler.worker.worker import Worker
from infra.emulation.names import REGION
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


@pytest.fixture(scope="module")
def shared_worker(aws_port: int, classifier: Classifier, card: ModelCard) -> Worker:
    """For events that never reach S3: buckets are not emptied between tests."""
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{aws_port}", region_name=REGION)
    return Worker(s3, classifier, card, SETTINGS)


def keys_in(event: dict[str, Any]) -> list[list[str]]:
    return [[upload.key for upload in record.uploads] for record in records_in(event)]


def about(event: dict[str, Any], etag: str, version_id: str) -> Any:
    """The same event for an object that exists."""
    old = {"52a1d03b3fe36c853ab368730b63e110": etag.strip('"'), "096fKKXTRTtl3on89fVO.nfljtsv6qko": version_id}
    text = json.dumps(event)
    for example, real in old.items():
        text = text.replace(example, real)
    return json.loads(text)


@pytest.mark.parametrize("name", DIRECT + QUEUED + JOBS)
def test_upload_in_each_event_source_gets_one_result(aws: Cloud, worker: Worker, png: bytes, name: str) -> None:
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
def test_keys_in_events_are_decoded(name: str, keys: list[list[str]]) -> None:
    assert keys_in(event_file(name)) == keys


def test_every_sample_event_is_tested() -> None:
    names = {path.name for path in (PROJECT / "infra" / "events").glob("*.json")}
    others = {"sqs-one-upload.json", "sqs-several-uploads.json", "sqs-test-event.json", "sqs-deleted.json"}
    assert names == {*DIRECT, *QUEUED, *JOBS, *others, "sqs-unknown.json", *(n for n in names if n.startswith("http"))}


def test_other_s3_events_have_no_uploads() -> None:
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
def test_unknown_event_is_a_batch_item_failure(shared_worker: Worker, body: str) -> None:
    with pytest.raises(UnknownEvent):
        uploads_in_text(body)
    message = {"messageId": "1", "body": body, "eventSource": "aws:sqs"}
    assert shared_worker.handle({"Records": [message]}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_unknown_direct_event_raises(shared_worker: Worker) -> None:
    with pytest.raises(EventFailed, match="not an S3 event"):
        shared_worker.handle({"hello": "world"})


@pytest.mark.parametrize("name", DIRECT)
def test_direct_event_whose_result_cannot_be_stored_raises(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes, name: str
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=png)
    misconfigured = Worker(aws.s3, classifier, card, replace(SETTINGS, results_bucket="no-such-bucket"))
    with pytest.raises(EventFailed, match="NoSuchBucket"):
        misconfigured.handle(about(event_file(name), put["ETag"], put["VersionId"]))


@pytest.mark.parametrize("name", JOBS)
def test_batch_job_gets_a_result_for_each_task(
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
        ["Succeeded", "PermanentFailure", "PermanentFailure"],
        ["TemporaryFailure", "PermanentFailure", "PermanentFailure"],
    ]
    assert replies[0]["results"][0]["resultString"] == next(iter(aws.results()))


@pytest.mark.parametrize(
    ("older", "newer"),
    [("0055AED6DCD90281E5", "0055AED6DCD90281E6"), ("0055AE", "0055AED6"), ("00a", "00B"), (None, "0055AE")],
)
def test_sequencers_compare_as_s3_documents(older: str | None, newer: str) -> None:
    assert sequence(older) < sequence(newer)
    assert sequence("0055AE") == sequence("0055AE00") == sequence("0055ae")
