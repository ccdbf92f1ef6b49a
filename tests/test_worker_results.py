"""A result is written once and stays, whatever comes again and in whichever order; and who asked for it hears of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from handler.buckets import Worker
from handler.classifier import Classifier
from handler.contract import ModelCard
from handler.settings import Settings
from infra.emulated_names import REGION
from tests.aws import RESULTS, UPLOADS, Cloud, event_file, work_through

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

SETTINGS = Settings(results_bucket=RESULTS)
WorkerOf = Callable[..., Worker]


@pytest.fixture
def worker_of(aws: Cloud, classifier: Classifier, card: ModelCard) -> WorkerOf:
    def worker_of(settings: Settings = SETTINGS, card: ModelCard = card, **more: Any) -> Worker:
        return Worker(aws.s3, classifier, card, settings, **more)

    return worker_of


@pytest.fixture
def events(aws: Cloud) -> "EventBridgeClient":
    """EventBridge, on whose bus `clothes` a rule sends everything to the queue."""
    client = boto3.client("events", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)
    client.create_event_bus(Name="clothes")
    client.put_rule(Name="all", EventBusName="clothes", EventPattern='{"source": ["clothes-classifier"]}')
    arn = aws.sqs.get_queue_attributes(QueueUrl=aws.queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_targets(Rule="all", EventBusName="clothes", Targets=[{"Id": "queue", "Arn": arn}])
    return client


def versions_of(aws: Cloud, key: str) -> int:
    return len(aws.s3.list_object_versions(Bucket=RESULTS, Prefix=key)["Versions"])


def only(aws: Cloud) -> tuple[str, dict[str, Any]]:
    ((key, result),) = aws.results().items()
    return key, result


def of_another_model(card: ModelCard) -> ModelCard:
    return replace(card, document={**card.document, "version": "2"})


def with_sequencer(event: dict[str, Any], sequencer: str | None) -> dict[str, Any]:
    """The event's last message, as if S3 had given it that `sequencer`."""
    body = json.loads(event["Records"][-1]["body"])
    body["Records"][0]["s3"]["object"] |= {"sequencer": sequencer} if sequencer else {}
    return {"Records": [{**event["Records"][-1], "body": json.dumps(body)}]}


@contextmanager
def answering(aws: Cloud, operation: str, *answers: tuple[int, str] | None) -> Iterator[list[str]]:
    """S3 answers the next calls of `operation` with these statuses and codes, where given; yields the calls."""
    left, calls = list(answers), list[str]()

    def answer(request: Any, **_: Any) -> Any:
        calls.append(request.url)
        if not left or (given := left.pop(0)) is None:
            return None
        status, code = given
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(f"<Error><Code>{code}</Code></Error>".encode()))

    name = f"before-send.s3.{operation}"
    aws.s3.meta.events.register_first(name, answer)
    try:
        yield calls
    finally:
        aws.s3.meta.events.unregister(name, answer)


class _Raw:
    """A body of an answer, as urllib3 would read it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def test_a_redelivered_message_changes_nothing(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for _ in range(3):
        worker_of().handle(event)
    key, result = only(aws)
    assert versions_of(aws, key) == 1
    worker_of().handle(with_sequencer(event, "0055AE"))  # the backfill was first, and the bytes are the same
    assert only(aws) == (key, result)


def test_another_model_replaces_the_result_once(aws: Cloud, worker_of: WorkerOf, card: ModelCard, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for _ in range(2):
        worker_of().handle(event)
    for _ in range(2):
        worker_of(card=of_another_model(card)).handle(event)
    key, result = only(aws)
    assert result["model"]["version"] == "2"
    assert versions_of(aws, key) == 2


def test_a_raised_limit_replaces_what_was_rejected_and_nothing_else(
    aws: Cloud, worker_of: WorkerOf, png: bytes
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    small = replace(SETTINGS, max_body_bytes=10)
    for settings, status in [(small, "rejected"), (small, "rejected"), (SETTINGS, "done"), (small, "done")]:
        worker_of(settings).handle(event)
        assert only(aws)[1]["status"] == status
    assert versions_of(aws, only(aws)[0]) == 2


def test_without_versions_the_later_of_two_uploads_of_the_same_bytes_is_told_of_in_any_order(
    aws: Cloud, worker_of: WorkerOf, card: ModelCard, png: bytes
) -> None:
    aws.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Suspended"})
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for sequencer, told in [("0055B0", "0055B0"), ("0055AE", "0055B0"), (None, "0055B0"), ("0055B1", "0055B1")]:
        worker_of().handle(with_sequencer(event, sequencer))
        assert only(aws)[1]["sequencer"] == told
    worker_of(card=of_another_model(card)).handle(with_sequencer(event, None))
    result = only(aws)[1]
    assert (result["sequencer"], result["model"]["version"]) == ("0055B1", "2")


@pytest.mark.parametrize("stored", [b"", b"no JSON", b"[]", b"{}"])
def test_what_is_no_result_is_replaced(aws: Cloud, worker_of: WorkerOf, png: bytes, stored: bytes) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)["VersionId"]
    key = f"results/{UPLOADS}/a.png/{version_id}.json"
    aws.s3.put_object(Bucket=RESULTS, Key=key, Body=stored)
    work_through(aws, worker_of())
    assert only(aws)[1]["label"] == "Trouser"


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(409, "ConditionalRequestConflict")], id="somebody writes the same"),
        pytest.param([(412, "PreconditionFailed"), (412, "PreconditionFailed")], id="it came and went"),
        pytest.param([(404, "NoSuchKey")], id="it went"),
    ],
)
def test_a_write_that_collides_is_tried_again(
    aws: Cloud, worker_of: WorkerOf, png: bytes, answers: list[tuple[int, str]]
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    with answering(aws, "PutObject", *answers) as calls:
        assert worker_of().handle(aws.receive()) == {"batchItemFailures": []}
    assert len(calls) == len(answers) + 1
    assert only(aws)[1]["label"] == "Trouser"


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetObject", (403, "AccessDenied")),
        ("GetObject", (400, "KMS.DisabledException")),
        ("GetObject", (400, "ExpiredToken")),
        ("PutObject", (403, "AccessDenied")),
        ("PutObject", (404, "NoSuchBucket")),
    ],
)
def test_one_uploads_trouble_is_no_others_and_it_comes_again(
    aws: Cloud, worker_of: WorkerOf, png: bytes, operation: str, answer: tuple[int, str]
) -> None:
    for number in range(3):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png)
    event = aws.receive()
    with answering(aws, operation, None, answer):
        failures = worker_of(replace(SETTINGS, downloads_at_once=1)).handle(event)["batchItemFailures"]
    assert len(failures) == 1
    assert len(aws.results()) == 2
    aws.acknowledge(event, {"batchItemFailures": failures})
    work_through(aws, worker_of())
    assert len(aws.results()) == 3


def test_what_is_in_an_archive_gets_a_result_that_says_so_until_it_is_restored(
    aws: Cloud, worker_of: WorkerOf, png: bytes
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    with answering(aws, "GetObject", (403, "InvalidObjectState")):
        assert worker_of().handle(event) == {"batchItemFailures": []}
    key, result = only(aws)
    assert (result["status"], result["title"]) == ("rejected", "Archived")
    assert (result["version_id"], result["bytes"]) == (put["VersionId"], len(png))
    worker_of().handle(event)
    assert (only(aws)[0], only(aws)[1]["status"]) == (key, "done")


def test_by_request_the_version_is_tagged_beside_the_tags_that_it_has(
    aws: Cloud, worker_of: WorkerOf, png: bytes
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png, Tagging="owner=me&label=old")
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=b"no image")
    event = event_file("sqs-one-upload.json")
    body = json.loads(event["Records"][0]["body"])
    body["Records"][0]["s3"]["object"] |= {"key": "a.png", "eTag": put["ETag"][1:-1], "versionId": put["VersionId"]}
    event["Records"][0]["body"] = json.dumps(body)
    assert worker_of(replace(SETTINGS, tag_objects=True)).handle(event) == {"batchItemFailures": []}
    tags = aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png", VersionId=put["VersionId"])["TagSet"]
    score = only(aws)[1]["score"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"owner": "me", "label": "Trouser", "score": f"{score:.3f}"}
    assert aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png")["TagSet"] == []


def test_an_object_that_has_ten_tags_keeps_them_and_has_its_result(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png, Tagging="&".join(f"t{n}=1" for n in range(9)))
    assert worker_of(replace(SETTINGS, tag_objects=True)).handle(aws.receive()) == {"batchItemFailures": []}
    assert len(aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png")["TagSet"]) == 9
    assert len(aws.results()) == 1


def test_a_tag_that_cannot_be_put_lets_the_message_come_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = {"Records": aws.receive()["Records"][-1:]}
    worker = worker_of(replace(SETTINGS, tag_objects=True))
    with answering(aws, "PutObjectTagging", (403, "AccessDenied")):
        assert len(worker.handle(event)["batchItemFailures"]) == 1
    with answering(aws, "PutObjectTagging", (404, "NoSuchKey")):  # deleted since
        assert worker.handle(event) == {"batchItemFailures": []}


def test_by_request_eventbridge_is_told_of_each_result(
    aws: Cloud, worker_of: WorkerOf, events: "EventBridgeClient", png: bytes
) -> None:
    for number in range(12):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png if number else b"no image")
    worker = worker_of(replace(SETTINGS, event_bus="clothes"), events=events)
    first, second = aws.receive(), aws.receive()
    assert worker.handle({"Records": first["Records"] + second["Records"]}) == {"batchItemFailures": []}
    told = [json.loads(message["body"]) for _ in range(2) for message in aws.receive()["Records"]]
    results = aws.results()
    assert sorted(event["detail"]["result"]["key"] for event in told) == sorted(results)
    for event in told:
        assert (event["source"], event["detail-type"]) == ("clothes-classifier", "Image Classified")
        detail = event["detail"]
        result = results[detail["result"]["key"]]
        assert detail.pop("result")["bucket"] == RESULTS
        assert detail == {name: result[name] for name in detail}
        assert ("label" in detail) == (detail["status"] == "done")


def test_what_eventbridge_does_not_take_is_told_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    for number in range(2):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png)
    event = aws.receive()
    bus = _Bus()
    worker = worker_of(replace(SETTINGS, event_bus="clothes"), events=bus)
    for left in (1, 0):
        assert len(worker.handle(event)["batchItemFailures"]) == left
    assert len(bus.told) == 3
    assert all(versions_of(aws, key) == 1 for key in aws.results())


class _Bus:
    """An EventBridge that refuses the first entry that it gets: moto's never refuses any."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self._refusals = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  as boto3 calls it
        replies = [self._refusals.pop() if self._refusals else {"EventId": "1"} for _ in Entries]
        self.told += [entry for entry, reply in zip(Entries, replies, strict=True) if "EventId" in reply]
        return {"FailedEntryCount": sum("ErrorCode" in reply for reply in replies), "Entries": replies}
