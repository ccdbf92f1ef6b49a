"""Parse SQS, S3, SNS, EventBridge and S3 Batch Operations events into records; build their responses.

SQS                  a record per message; failed ones are delivered again, and end in the dead-letter queue
S3 Batch Operations  a record per task, with its own result in the job's report
S3, SNS, EventBridge the whole event is one record; if it fails, an exception makes Lambda retry
a warm-up ping       no records
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from handler.lifecycle.ping import is_ping
from handler.worker.downloads import Gone
from handler.worker.s3_events import UnknownEvent, Upload, is_key, quoted, text_of, uploads_in, uploads_in_text

_MAX_RESULT_CHARACTERS: Final = 1024  # limit of S3 Batch Operations


class EventFailed(Exception):
    """Something failed and must be delivered again, and no response can say so."""


@dataclass(frozen=True)
class Record:
    """The unit of acknowledgement and of redelivery: its uploads, and the error if not all of it can be parsed.

    `id` is None if the sender left it out: the response cannot name the record. With `is_task`, it is a task of a job,
    which fails if its object does not exist.
    """

    id: str | None
    uploads: tuple[Upload, ...] = ()
    error: UnknownEvent | None = None
    is_task: bool = False


@dataclass(frozen=True)
class RecordResult:
    """The result of a record: with an `error`, it must be delivered again."""

    id: str | None
    text: str
    error: Exception | None = None


def records_in(event: Any) -> list[Record]:
    """Parse an `event` of any event source."""
    if is_ping(event):
        return []
    if _is_queue(event):
        return [_record(_id(each, "messageId"), uploads_in_text, _body(each)) for each in event["Records"]]
    if _is_job(event):
        return [_record(_id(task, "taskId"), _uploads_of_task, task, is_task=True) for task in event["tasks"]]
    return [_record("event", uploads_in, event)]


def response_to(event: Any, results: list[RecordResult]) -> dict[str, Any]:
    """The response that the source of `event` expects. Raises EventFailed where it expects an exception."""
    if _is_queue(event):
        return {"batchItemFailures": [{"itemIdentifier": each.id} for each in _nameable(results) if each.error]}
    if _is_job(event):
        return {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": event["invocationId"],
            "results": [_task_result(each) for each in results if each.id is not None],
        }
    for each in results:
        if each.error:
            raise EventFailed(each.text) from each.error
    return {}


def _is_queue(event: Any) -> bool:
    match event:
        case {"Records": [*records]}:
            return any(isinstance(each, Mapping) and each.get("eventSource") == "aws:sqs" for each in records)
    return False


def _is_job(event: Any) -> bool:
    match event:
        case {"invocationSchemaVersion": "1.0" | "2.0", "invocationId": _, "tasks": [*_]}:
            return True
    return False


def _id(content: Any, name: str) -> str | None:
    found = content.get(name) if isinstance(content, Mapping) else None
    return found if isinstance(found, str) and found else None


def _body(message: Any) -> Any:
    return message.get("body") if isinstance(message, Mapping) else message


def _record(
    record_id: str | None, read: Callable[[Any], tuple[Upload, ...]], content: Any, *, is_task: bool = False
) -> Record:
    try:
        return Record(record_id, read(content), is_task=is_task)
    except UnknownEvent as error:
        return Record(record_id, error.uploads, error, is_task)


def _nameable(results: list[RecordResult]) -> list[RecordResult]:
    """The results that a response can name. Unknown events without an id are logged: they would stay unknown.

    Raises EventFailed if another one without an id failed: all must come again, and those that are done stay done.
    """
    for each in results:
        if each.id is None and each.error and not isinstance(each.error, UnknownEvent):
            raise EventFailed(f"a message without a messageId failed: {each.text}") from each.error
    return [each for each in results if each.id is not None]


def _uploads_of_task(task: Any) -> tuple[Upload, ...]:
    """The object of a task: its bucket is an ARN in version 1.0, a name in 2.0.

    Its key is URL-encoded, but only if the manifest's was: all objects that it may name are classified.
    """
    match task:
        case {"s3Key": str(key), "s3Bucket": str(bucket)} | {"s3Key": str(key), "s3BucketArn": str(bucket)}:
            version_id = text_of(task.get("s3VersionId"))
            return tuple(Upload(bucket.rpartition(":")[2], each, version_id) for each in _possible_keys(key))
    raise UnknownEvent(f"not a task of S3 Batch Operations: {quoted(task)}")


def _possible_keys(key: str) -> list[str]:
    """What `key` may mean: itself, if it is not encoded, or decoded. A plus is no space beside a space or "%20"."""
    decoded = [unquote(key)] if " " in key or "%20" in key else [unquote_plus(key), unquote(key)]
    possible = dict.fromkeys([key, *decoded])
    return [each for each in possible if is_key(each)] or [key]


def _task_result(result: RecordResult) -> dict[str, str | None]:
    if result.error is None:
        code = "Succeeded"
    else:
        code = "PermanentFailure" if isinstance(result.error, UnknownEvent | Gone) else "TemporaryFailure"
    return {"taskId": result.id, "resultCode": code, "resultString": result.text[:_MAX_RESULT_CHARACTERS]}
