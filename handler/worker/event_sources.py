"""Parse SQS, S3, SNS, EventBridge and S3 Batch Operations events into records; build their responses.

SQS                  a record per message; failed ones are delivered again, and end in the dead-letter queue
S3 Batch Operations  a record per task, with its own result in the job's report
S3, SNS, EventBridge the whole event is one record; if it fails, an exception makes Lambda retry
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from handler.worker.s3_events import UnknownEvent, Upload, uploads_in, uploads_in_text

_MAX_RESULT_CHARACTERS: Final = 1024  # limit of S3 Batch Operations


class EventFailed(Exception):
    """A direct event, which came without a queue, failed and must be delivered again."""


@dataclass(frozen=True)
class Record:
    """The unit of acknowledgement and of redelivery: its uploads, or the error if it cannot be parsed."""

    id: str
    uploads: tuple[Upload, ...] = ()
    error: UnknownEvent | None = None


@dataclass(frozen=True)
class RecordResult:
    """The result of a record: with an `error`, it must be delivered again."""

    id: str
    text: str
    error: Exception | None = None


def records_in(event: Mapping[str, Any]) -> list[Record]:
    """Parse an `event` of any event source."""
    if _is_queue(event):
        return [_record(message["messageId"], uploads_in_text, message["body"]) for message in event["Records"]]
    if _is_job(event):
        return [_record(task["taskId"], _uploads_of_task, task) for task in event["tasks"]]
    return [_record("event", uploads_in, event)]


def response_to(event: Mapping[str, Any], results: list[RecordResult]) -> dict[str, Any]:
    """The response that the source of `event` expects. Raises EventFailed where it expects an exception."""
    if _is_queue(event):
        return {"batchItemFailures": [{"itemIdentifier": each.id} for each in results if each.error]}
    if _is_job(event):
        return {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": event["invocationId"],
            "results": [_task_result(each) for each in results],
        }
    for each in results:
        if each.error:
            raise EventFailed(each.text) from each.error
    return {}


def _is_queue(event: Mapping[str, Any]) -> bool:
    match event:
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            return True
    return False


def _is_job(event: Mapping[str, Any]) -> bool:
    match event:
        case {"invocationSchemaVersion": "1.0" | "2.0", "invocationId": _, "tasks": [*_]}:
            return True
    return False


def _record(record_id: str, read: Callable[[Any], tuple[Upload, ...]], content: Any) -> Record:
    try:
        return Record(record_id, read(content))
    except UnknownEvent as error:
        return Record(record_id, error=error)


def _uploads_of_task(task: Mapping[str, Any]) -> tuple[Upload, ...]:
    """The object of a task: its bucket is an ARN in version 1.0, a name in 2.0; its key is URL-encoded in both."""
    try:
        bucket = task.get("s3Bucket") or task["s3BucketArn"].rpartition(":")[2]
        return (Upload(bucket, unquote_plus(task["s3Key"]), task.get("s3VersionId") or None),)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"not a task of S3 Batch Operations: {str(task)[:200]!r}") from error


def _task_result(result: RecordResult) -> dict[str, str]:
    if result.error is None:
        code = "Succeeded"
    else:
        code = "PermanentFailure" if isinstance(result.error, UnknownEvent) else "TemporaryFailure"
    return {"taskId": result.id, "resultCode": code, "resultString": result.text[:_MAX_RESULT_CHARACTERS]}
