"""Redrive: move the messages of the dead-letter queue back to the queue; delete only what was sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from infra.operations.queues import visible_in
from infra.operations.stack import Stack

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_EMPTY_IN_A_ROW: Final = 3  # a single empty receive does not mean that a distributed queue is empty
_HIDDEN_SECONDS: Final = 120  # messages that were received but not sent reappear afterwards


def redrive(stack: Stack, sqs: "SQSClient", say: Callable[[str], None], wait_seconds: int = 5) -> int:
    """Move as many messages as the dead-letter queue has at the start. Returns 0 if all were moved, else 1.

    After an interruption a message may be in both queues, but never in neither; the worker is idempotent.
    Messages that fail again meanwhile stay in the dead-letter queue.
    """
    total = visible_in(sqs, stack.dead_letter_url)
    say(f"{total:,} messages are in the dead-letter queue")
    moved = empty = 0
    while moved < total and empty < _EMPTY_IN_A_ROW:
        batch = _move_batch(stack, sqs, wait_seconds)
        empty = 0 if batch else empty + 1
        moved += batch
        if batch:
            say(f"moved {moved:,} of {total:,}")
    return 0 if moved >= total else 1


def _move_batch(stack: Stack, sqs: "SQSClient", wait_seconds: int) -> int:
    """Move up to ten messages, and return their number."""
    messages = sqs.receive_message(
        QueueUrl=stack.dead_letter_url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=wait_seconds,
        VisibilityTimeout=_HIDDEN_SECONDS,
    ).get("Messages", [])
    if not messages:
        return 0
    sent = sqs.send_message_batch(
        QueueUrl=stack.queue_url,
        Entries=[{"Id": str(place), "MessageBody": message["Body"]} for place, message in enumerate(messages)],
    )
    sent_places = [int(each["Id"]) for each in sent.get("Successful", [])]
    if sent_places:
        sqs.delete_message_batch(
            QueueUrl=stack.dead_letter_url,
            Entries=[{"Id": str(place), "ReceiptHandle": messages[place]["ReceiptHandle"]} for place in sent_places],
        )
    return len(sent_places)
