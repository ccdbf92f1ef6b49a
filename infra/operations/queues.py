"""Count the messages in a queue; SQS gives approximate numbers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def visible_in(sqs: "SQSClient", url: str) -> int:
    """Number of messages that can be received now."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def waiting_in(sqs: "SQSClient", url: str) -> int:
    """Number of messages not yet deleted: visible, in flight or delayed."""
    attributes = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )["Attributes"]
    return sum(map(int, attributes.values()))
