"""Other events with uploads: of emulators, CloudTrail and restores; events without uploads; warm-up pings."""

import json
from typing import Any

import pytest
from botocore.session import Session

from handler.worker.event_sources import EventFailed, records_in
from handler.worker.s3_events import Upload, uploads_in
from handler.worker.worker import Worker
from tests.support.aws import UPLOADS, Cloud

UPLOAD_CALLS = ["PutObject", "CompleteMultipartUpload", "CopyObject", "PostObject"]
# All others that botocore knows, less one that S3's directory buckets have, which send no events.
OTHER_CALLS = sorted({*Session().get_service_model("s3").operation_names} - {*UPLOAD_CALLS, "RenameObject"})
ETAG = "1d97bf45ecb37f7a7b699418070df08f"


def s3_event(name: str, key: str = "a%2Fmy+photo.jpg") -> dict[str, Any]:
    stored = {"key": key, "size": 1, "eTag": ETAG, "sequencer": "147CE57C70B31931"}
    return {"Records": [{"eventName": name, "s3": {"bucket": {"name": UPLOADS}, "object": stored}}]}


def call(name: str, **members: Any) -> dict[str, Any]:
    """CloudTrail's event, through EventBridge, of a call of S3's API."""
    detail = {
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "eventTime": "2018-09-12T00:25:10Z",
        "requestParameters": {"bucketName": UPLOADS, "key": "a+b%.png"},
        "responseElements": None,
        **members,
    }
    return {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail}


def restored(key: str, etag: str, version_id: str) -> list[dict[str, Any]]:
    """The events of S3 and of EventBridge for the same restore."""
    names = {"bucket": {"name": UPLOADS}, "object": {"key": key, "etag": etag, "version-id": version_id}}
    stored = {"key": key, "eTag": etag, "versionId": version_id, "sequencer": "0A1B"}
    record = {"eventName": "ObjectRestore:Completed", "s3": {"bucket": {"name": UPLOADS}, "object": stored}}
    return [
        {"Records": [record]},
        {"source": "aws.s3", "detail-type": "Object Restore Completed", "detail": names},
    ]


@pytest.mark.parametrize(
    "name",
    [
        "ObjectCreated:Put",
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated",
        "ObjectRestore:Completed",
        "s3:ObjectRestore:Completed",
        "s3:ObjectSynced:Create",
    ],
)
def test_event_of_s3_and_its_emulators_has_an_upload(name: str) -> None:
    expected = Upload(UPLOADS, "a/my photo.jpg", etag=ETAG, sequencer="147CE57C70B31931")
    assert uploads_in(s3_event(name)) == (expected,)


@pytest.mark.parametrize("name", UPLOAD_CALLS)
def test_call_logged_by_cloudtrail_has_an_upload(name: str) -> None:
    versioned = call(name, responseElements={"x-amz-version-id": "v1"})
    assert uploads_in(versioned) == (Upload(UPLOADS, "a+b%.png", "v1", uploaded="2018-09-12T00:25:10Z"),)
    assert uploads_in(call(name)) == (Upload(UPLOADS, "a+b%.png", uploaded="2018-09-12T00:25:10Z"),)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(s3_event("s3:ObjectRemoved:Delete"), id="removed"),
        pytest.param(s3_event("s3:ObjectAccessed:Get"), id="accessed"),
        pytest.param(s3_event("ObjectRestore:Post"), id="restore requested"),
        pytest.param(s3_event("ObjectRestore:Delete"), id="restored copy expired"),
        pytest.param(s3_event("ObjectAcl:Put"), id="ACL"),
        pytest.param(s3_event("LifecycleExpiration:Delete"), id="expired"),
        pytest.param({"source": "aws.s3", "detail-type": "Object Restore Initiated"}, id="EventBridge restore"),
        *(pytest.param(s3_event(f"ObjectSynced:{name}"), id=name) for name in ("Delete", "DeletionMarkerCreated")),
        *(pytest.param(call(name), id=f"CloudTrail {name}") for name in OTHER_CALLS),
        pytest.param(call("PutBucketPublicAccessBlock"), id="CloudTrail's own name of a call"),
        pytest.param(call("PutObject", errorCode="AccessDenied"), id="CloudTrail failure"),
    ],
)
def test_event_about_another_operation_has_no_upload(event: dict[str, Any]) -> None:
    assert uploads_in(event) == ()


@pytest.mark.parametrize(
    "event",
    [
        s3_event("ObjectSold:Put"),
        s3_event("ObjectRestore:Sold"),
        s3_event("ObjectCreatedTwice:Put"),
        call("PaintObject"),
        call("PutObjects"),
        call("PutBucketPaint"),
        call(""),
        {"source": "aws.s3", "detail-type": "AWS Service Event via CloudTrail", "detail": {}},
        s3_event("s3:"),
        s3_event("objectcreated:put"),
        {"source": "aws.s3", "detail-type": "Object Painted", "detail": {}},
        {"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": "PutObject"}},
        {"Records": [{"kinesis": {}, "eventName": "aws:kinesis:record"}]},
    ],
    ids=str,
)
def test_event_that_is_not_understood_raises(worker: Worker, event: dict[str, Any]) -> None:
    with pytest.raises(EventFailed, match="not a"):
        worker.handle(event)


@pytest.mark.parametrize("source", ["MinIO", "CloudTrail"])
def test_event_of_another_service_gets_a_result(aws: Cloud, worker: Worker, png: bytes, source: str) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a+b%.png", Body=png)
    event = s3_event("s3:ObjectCreated:Put", "a%2Bb%25.png") if source == "MinIO" else call("PutObject")
    if source == "MinIO":
        event["Records"][0]["s3"]["object"]["eTag"] = put["ETag"]
    assert worker.handle(event) == {}
    ((_, result),) = aws.results().items()
    assert (result["key"], result["label"]) == ("a+b%.png", "Trouser")


@pytest.mark.parametrize("index", [0, 1], ids=["S3", "EventBridge"])
def test_restored_object_is_classified_again(aws: Cloud, worker: Worker, png: bytes, index: int) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="cold.png", Body=png, StorageClass="GLACIER")
    worker.handle(aws.receive())
    assert [result["title"] for result in aws.results().values()] == ["Archived"]
    aws.s3.restore_object(Bucket=UPLOADS, Key="cold.png", RestoreRequest={"Days": 1})
    event = restored("cold.png", put["ETag"].strip('"'), put["VersionId"])[index]
    for _ in range(2):
        assert worker.handle(event) == {}
        assert [result.get("label") for result in aws.results().values()] == ["Trouser"]


def test_classified_object_stays_when_it_is_restored(aws: Cloud, worker: Worker, png: bytes) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    worker.handle(aws.receive())
    before = aws.results()
    for event in restored("a.png", put["ETag"].strip('"'), put["VersionId"]):
        worker.handle(event)
    assert aws.results() == before


PINGS = [
    {},
    {"warmer": True},
    {"warmer": True, "concurrency": 3},
    {"source": "serverless-plugin-warmup"},
    {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "version": "0"},
    {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
]


@pytest.mark.parametrize("ping", PINGS, ids=str)
def test_warm_up_ping_does_nothing(aws: Cloud, worker: Worker, ping: dict[str, Any]) -> None:
    assert worker.handle(ping) == {}
    assert aws.results() == {}


@pytest.mark.parametrize("event", [{"warmer": False}, {"source": "aws.events"}, {"ping": True, "Records": []}], ids=str)
def test_event_that_only_resembles_a_ping_is_not_passed_over(worker: Worker, event: dict[str, Any]) -> None:
    with pytest.raises(EventFailed):
        worker.handle(event)


def test_ping_in_a_queue_is_an_unknown_event() -> None:
    body = json.dumps({"warmer": True})
    (record,) = records_in({"Records": [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}]})
    assert record.error
