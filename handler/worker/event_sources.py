"""What Lambda was invoked with in, deliveries out; and what became of them in, the reply that their sender expects out.

SQS                  each message is a delivery; those that failed come again, in the end to the dead-letter queue
S3 Batch Operations  each task is a delivery, with an outcome of its own in the job's report
S3, SNS, EventBridge the whole event is one delivery; if it fails, Lambda is told so by an exception, and tries again
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from handler.worker.s3_events import UnknownEvent, Upload, uploads_in, uploads_in_text

_MAX_RESULT_CHARACTERS: Final = 1024  # of a line in the report of a job of S3 Batch Operations


class DeliveryFailed(Exception):
    """An event that came without a queue could not be worked through; whoever sent it must send it again."""


@dataclass(frozen=True)
class Delivery:
    """What is acknowledged, or comes again, as a whole: its uploads, or why they are not known."""

    id: str
    uploads: tuple[Upload, ...] = ()
    unknown: UnknownEvent | None = None


@dataclass(frozen=True)
class Settled:
    """What became of a delivery: `error` is why it must come again, None if it need not."""

    id: str
    text: str
    error: Exception | None = None


def deliveries_in(event: Mapping[str, Any]) -> list[Delivery]:
    """The deliveries of an `event` of any of AWS's senders."""
    if _is_queue(event):
        return [_delivery(message["messageId"], uploads_in_text, message["body"]) for message in event["Records"]]
    if _is_job(event):
        return [_delivery(task["taskId"], _uploads_of_task, task) for task in event["tasks"]]
    return [_delivery("event", uploads_in, event)]


def reply_to(event: Mapping[str, Any], settled: list[Settled]) -> dict[str, Any]:
    """What the sender of `event` expects to hear. Raises DeliveryFailed where it expects an exception."""
    if _is_queue(event):
        return {"batchItemFailures": [{"itemIdentifier": each.id} for each in settled if each.error]}
    if _is_job(event):
        return {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": event["invocationId"],
            "results": [_result(each) for each in settled],
        }
    for each in settled:
        if each.error:
            raise DeliveryFailed(each.text) from each.error
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


def _delivery(delivery_id: str, read: Callable[[Any], tuple[Upload, ...]], content: Any) -> Delivery:
    try:
        return Delivery(delivery_id, read(content))
    except UnknownEvent as error:
        return Delivery(delivery_id, unknown=error)


def _uploads_of_task(task: Mapping[str, Any]) -> tuple[Upload, ...]:
    """The one object of a task: its bucket is an ARN in version 1.0, a name in 2.0; its key is encoded in both."""
    try:
        bucket = task.get("s3Bucket") or task["s3BucketArn"].rpartition(":")[2]
        return (Upload(bucket, unquote_plus(task["s3Key"]), task.get("s3VersionId") or None),)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"this is no task of S3 Batch Operations: {str(task)[:200]!r}") from error


def _result(settled: Settled) -> dict[str, str]:
    if settled.error is None:
        code = "Succeeded"
    else:
        code = "PermanentFailure" if isinstance(settled.error, UnknownEvent) else "TemporaryFailure"
    return {"taskId": settled.id, "resultCode": code, "resultString": settled.text[:_MAX_RESULT_CHARACTERS]}
