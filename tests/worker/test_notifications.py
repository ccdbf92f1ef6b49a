"""Notifications of stored results: tags on the object, and EventBridge events."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from handler.settings import Settings
from infra.emulation.names import REGION
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf, event_file
from tests.support.s3_responses import answering

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

SETTINGS = Settings(results_bucket=RESULTS)


@pytest.fixture
def events(aws: Cloud) -> "EventBridgeClient":
    """A client of EventBridge, with a bus `clothes` whose rule sends all events to the queue."""
    client = boto3.client("events", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)
    client.create_event_bus(Name="clothes")
    client.put_rule(Name="all", EventBusName="clothes", EventPattern='{"source": ["clothes-classifier"]}')
    arn = aws.sqs.get_queue_attributes(QueueUrl=aws.queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_targets(Rule="all", EventBusName="clothes", Targets=[{"Id": "queue", "Arn": arn}])
    return client


def test_tag_objects_adds_to_the_tags_of_the_version(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png, Tagging="owner=me&label=old")
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=b"no image")
    event = event_file("sqs-one-upload.json")
    body = json.loads(event["Records"][0]["body"])
    body["Records"][0]["s3"]["object"] |= {"key": "a.png", "eTag": put["ETag"][1:-1], "versionId": put["VersionId"]}
    event["Records"][0]["body"] = json.dumps(body)
    assert worker_of(replace(SETTINGS, tag_objects=True)).handle(event) == {"batchItemFailures": []}
    tags = aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png", VersionId=put["VersionId"])["TagSet"]
    score = next(iter(aws.results().values()))["score"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"owner": "me", "label": "Trouser", "score": f"{score:.3f}"}
    assert aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png")["TagSet"] == []


def test_object_with_nine_tags_keeps_them_and_gets_its_result(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png, Tagging="&".join(f"t{n}=1" for n in range(9)))
    assert worker_of(replace(SETTINGS, tag_objects=True)).handle(aws.receive()) == {"batchItemFailures": []}
    assert len(aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png")["TagSet"]) == 9
    assert len(aws.results()) == 1


def test_failed_tagging_fails_the_message(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = {"Records": aws.receive()["Records"][-1:]}
    worker = worker_of(replace(SETTINGS, tag_objects=True))
    with answering(aws, "PutObjectTagging", (403, "AccessDenied")):
        assert len(worker.handle(event)["batchItemFailures"]) == 1
    with answering(aws, "PutObjectTagging", (404, "NoSuchKey")):  # deleted in the meantime
        assert worker.handle(event) == {"batchItemFailures": []}


def test_event_bus_gets_an_event_for_each_result(
    aws: Cloud, worker_of: WorkerOf, events: "EventBridgeClient", png: bytes
) -> None:
    for number in range(12):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png if number else b"no image")
    worker = worker_of(replace(SETTINGS, event_bus="clothes"), events=events)
    first, second = aws.receive(), aws.receive()
    assert worker.handle({"Records": first["Records"] + second["Records"]}) == {"batchItemFailures": []}
    sent = [json.loads(message["body"]) for _ in range(2) for message in aws.receive()["Records"]]
    results = aws.results()
    assert sorted(event["detail"]["result"]["key"] for event in sent) == sorted(results)
    for event in sent:
        assert (event["source"], event["detail-type"]) == ("clothes-classifier", "Image Classified")
        detail = event["detail"]
        result = results[detail["result"]["key"]]
        assert detail.pop("result")["bucket"] == RESULTS
        assert detail == {name: result[name] for name in detail}
        assert ("label" in detail) == (detail["status"] == "done")


def test_event_refused_by_eventbridge_is_sent_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    for number in range(2):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png)
    event = aws.receive()
    bus = _Bus()
    worker = worker_of(replace(SETTINGS, event_bus="clothes"), events=bus)
    for failures in (1, 0):
        assert len(worker.handle(event)["batchItemFailures"]) == failures
    assert len(bus.accepted) == 3
    stored = aws.s3.list_object_versions(Bucket=RESULTS)["Versions"]
    assert len(stored) == len(aws.results()) == 2


class _Bus:
    """An EventBridge that refuses the first entry; moto's never refuses one."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self._refusals = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  as boto3 calls it
        replies = [self._refusals.pop() if self._refusals else {"EventId": "1"} for _ in Entries]
        self.accepted += [entry for entry, reply in zip(Entries, replies, strict=True) if "EventId" in reply]
        return {"FailedEntryCount": sum("ErrorCode" in reply for reply in replies), "Entries": replies}
