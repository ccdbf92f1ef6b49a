"""A dead-letter queue in, its messages in the queue that they came from out; deleted only where they are sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from infra.operations.queues import visible_in
from infra.operations.stack import Stack

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_EMPTY_IN_A_ROW: Final = 3  # of a queue that is spread over many machines a single look may find nothing
_HIDDEN_SECONDS: Final = 120  # what is received but was not sent is there again afterwards


def redrive(stack: Stack, sqs: "SQSClient", say: Callable[[str], None], wait_seconds: int = 5) -> int:
    """Bring the dead-letter queue's messages back; 0 if all of them were, else 1.

    If it ends in between, a message may be in both queues, never in none, and the worker does no harm twice.
    Only as many as there were at first: what dies again meanwhile stays.
    """
    there = visible_in(sqs, stack.dead_letter_url)
    say(f"{there:,} messages are in the dead-letter queue")
    moved = empty = 0
    while moved < there and empty < _EMPTY_IN_A_ROW:
        some = _move_some(stack, sqs, wait_seconds)
        empty = 0 if some else empty + 1
        moved += some
        if some:
            say(f"{moved:,} of {there:,} are back")
    return 0 if moved >= there else 1


def _move_some(stack: Stack, sqs: "SQSClient", wait_seconds: int) -> int:
    """Move up to ten messages; return how many."""
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
    places = [int(each["Id"]) for each in sent.get("Successful", [])]
    if places:
        sqs.delete_message_batch(
            QueueUrl=stack.dead_letter_url,
            Entries=[{"Id": str(place), "ReceiptHandle": messages[place]["ReceiptHandle"]} for place in places],
        )
    return len(places)
