"""Poisoned records are unknown events of their own: the other records of the batch get their results."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from handler.settings import Settings
from handler.worker.event_sources import EventFailed, records_in
from handler.worker.s3_events import UnknownEvent, Upload, uploads_in
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf

HALF_A_PAIR = "\ud800"


def s3_record(key: Any = "innocent.png", bucket: Any = UPLOADS, time: Any = None, **stored: Any) -> dict[str, Any]:
    """A record as S3 sends it; without what is None."""
    members = {"bucket": {"name": bucket}, "object": {"key": key, **stored}}
    return {"eventName": "ObjectCreated:Put", "s3": members, **({"eventTime": time} if time else {})}


def message(body: Any, message_id: Any = "poison") -> dict[str, Any]:
    return {"messageId": message_id, "body": body, "eventSource": "aws:sqs"}


def of_record(**members: Any) -> dict[str, Any]:
    return message(json.dumps({"Records": [s3_record(**members)]}))


INNOCENT = message(json.dumps({"Records": [s3_record()]}), "innocent")

POISON: Mapping[str, Any] = {
    "bucket {}": of_record(bucket={}),
    "bucket null": of_record(bucket=None),
    "bucket with a slash": of_record(bucket="a/b"),
    "bucket with a line break": of_record(bucket="a\n"),
    "key {}": of_record(key={}),
    "key 5": of_record(key=5),
    "key []": of_record(key=[["a"]]),
    "key empty": of_record(key=""),
    "key of 1,025 bytes": of_record(key="k" * 1_025),
    "key with half a surrogate pair": of_record(key=HALF_A_PAIR),
    "key that is not UTF-8": of_record(key="%FF.png"),
    "ETag []": of_record(eTag=[]),
    "ETag 5": of_record(eTag=5),
    "ETag with a line break": of_record(eTag="a\r\nHost: b"),
    "ETag with half a surrogate pair": of_record(eTag=HALF_A_PAIR),
    "version {}": of_record(versionId={}),
    "version true": of_record(versionId=True),
    "version of 2,000 characters": of_record(versionId="v" * 2_000),
    "sequencer 5": of_record(sequencer=5),
    "sequencer []": of_record(sequencer=[]),
    "sequencer that is not hexadecimal": of_record(sequencer="xyz"),
    "time 5": of_record(time=5),
    "time {}": of_record(time={"a": 1}),
    "time that is none": of_record(time="yesterday"),
    "S3 5": message('{"Records": [{"eventName": "ObjectCreated:Put", "s3": 5}]}'),
    "object []": message('{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": [], "object": []}}]}'),
    "event name 5": message('{"Records": [{"eventName": 5}]}'),
    "event name of another service": message('{"Records": [{"eventName": "INSERT", "dynamodb": {}}]}'),
    "records in lists": message('{"Records": [[[[]]]]}'),
    "records of a number": message('{"Records": 5}'),
    "no body": {"messageId": "poison", "eventSource": "aws:sqs"},
    "body null": message(None),
    "body {}": message({}),
    "body [[]]": message([[]]),
    "body 5": message(5),
    "body that is not JSON": message("hello"),
    "body of half a surrogate pair": message(HALF_A_PAIR),
    "JSON of a number": message("5"),
    "JSON of a text": message('"hello"'),
    "JSON of NaN": message("NaN"),
    "JSON of nested lists": message("[" * 400 + "]" * 400),
    "JSON of very deep lists": message("[" * 100_000 + "]" * 100_000),
    "JSON of very deep objects": message('{"a":' * 50_000 + "1" + "}" * 50_000),
    "JSON of a huge integer": message("9" * 5_000),
    "JSON of an infinite number": message('{"Records": [{"eventName": "ObjectCreated:Put", "s3": 1e999}]}'),
    "numbers as names": message('{"5": {"5": 5}}'),
    "SNS message 5": message('{"Type": "Notification", "Message": 5}'),
    "SNS message []": message('{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": []}}]}'),
    "EventBridge detail []": message('{"detail-type": "Object Created", "detail": []}'),
    "EventBridge key 5": message(
        '{"detail-type": "Object Created", "detail": {"bucket": {"name": "uploads"}, "object": {"key": 5}}}'
    ),
    "EventBridge time {}": message(
        '{"detail-type": "Object Created", "time": {}, '
        '"detail": {"bucket": {"name": "uploads"}, "object": {"key": "innocent.png"}}}'
    ),
    "CloudTrail without parameters": message(
        '{"detail-type": "AWS API Call via CloudTrail", '
        '"detail": {"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "requestParameters": null}}'
    ),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_poisoned_message_fails_alone(aws: Cloud, worker: Worker, png: bytes, poison: Any) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    response = worker.handle({"Records": [poison, INNOCENT, poison]})
    assert response == {"batchItemFailures": [{"itemIdentifier": "poison"}] * 2}
    assert [result["status"] for result in aws.results().values()] == ["done"]
    json.dumps(response)


@pytest.mark.parametrize(
    "record", [s3_record(bucket={}), s3_record(key=5), [], 5, None, {"eventName": "ObjectCreated:"}]
)
def test_poisoned_record_does_not_take_its_message_along(aws: Cloud, worker: Worker, png: bytes, record: Any) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    body = json.dumps({"Records": [record, s3_record(), record]})
    assert worker.handle({"Records": [message(body)]}) == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert [result["status"] for result in aws.results().values()] == ["done"]


NO_IDS: tuple[Any, ...] = (None, 5, {}, "")
WITHOUT_ID = [message(body, message_id) for message_id in NO_IDS for body in ("hello", "[]", None)]


@pytest.mark.parametrize("poison", WITHOUT_ID, ids=str)
def test_unknown_message_without_an_id_is_logged_alone(
    aws: Cloud, worker: Worker, png: bytes, caplog: pytest.LogCaptureFixture, poison: Any
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    assert worker.handle({"Records": [poison, INNOCENT]}) == {"batchItemFailures": []}
    assert len(aws.results()) == 1
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["unknown event"]


@pytest.mark.parametrize("record", [None, 5, "hello", [], {}])
def test_queue_is_recognised_behind_a_record_that_is_no_message(
    aws: Cloud, worker: Worker, png: bytes, record: Any
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    assert worker.handle({"Records": [record, INNOCENT]}) == {"batchItemFailures": []}
    assert len(aws.results()) == 1


def test_upload_without_a_message_id_that_failed_comes_again(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    misconfigured = worker_of(Settings(results_bucket="no-such-bucket"))
    with pytest.raises(EventFailed, match="without a messageId"):
        misconfigured.handle({"Records": [{**INNOCENT, "messageId": None}]})


@pytest.mark.parametrize(
    "event",
    [None, 5, "hello", [], {"Records": None}, {"a": 10**5_000}, {"Records": [None]}, {"tasks": [{}]}],
    ids=lambda event: str(type(event)),
)
def test_poisoned_direct_event_is_an_unknown_event(worker_of: WorkerOf, event: Any) -> None:
    with pytest.raises(EventFailed, match="not a"):
        worker_of(Settings(results_bucket=RESULTS)).handle(event)


POISONED_TASKS = [
    pytest.param({}, id="empty"),
    pytest.param({"s3Key": "a", "s3BucketArn": {}}, id="bucket {}"),
    pytest.param({"s3Key": 5, "s3BucketArn": "arn:aws:s3:::uploads"}, id="key 5"),
    pytest.param({"s3Key": "", "s3BucketArn": "arn:aws:s3:::uploads"}, id="no key"),
    pytest.param({"s3Key": "a", "s3BucketArn": "arn:aws:s3:::uploads", "s3VersionId": []}, id="version []"),
]


@pytest.mark.parametrize("poison", POISONED_TASKS)
def test_poisoned_task_fails_alone(aws: Cloud, worker: Worker, png: bytes, poison: dict[str, Any]) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="innocent.png", Body=png)
    innocent = {"taskId": "innocent", "s3Key": "innocent.png", "s3BucketArn": f"arn:aws:s3:::{UPLOADS}"}
    tasks = [{"taskId": "poison", **poison}, innocent, poison, None]
    event = {"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": tasks}
    codes = {each["taskId"]: each["resultCode"] for each in worker.handle(event)["results"]}
    assert codes == {"poison": "PermanentFailure", "innocent": "Succeeded"}
    assert len(aws.results()) == 1


def test_uploads_beside_a_damaged_record_are_in_the_error() -> None:
    with pytest.raises(UnknownEvent) as caught:
        uploads_in({"Records": [s3_record(bucket={}), s3_record()]})
    assert caught.value.uploads == (Upload(UPLOADS, "innocent.png"),)


def test_empty_texts_are_left_out_members() -> None:
    event = {"Records": [s3_record(versionId="", eTag="", sequencer="")]}
    (record,) = records_in(event)
    assert record.uploads == (Upload(UPLOADS, "innocent.png"),)
