"""A queue's address in, how many messages it has out; SQS itself knows only about."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def visible_in(sqs: "SQSClient", url: str) -> int:
    """What could be received now."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def waiting_in(sqs: "SQSClient", url: str) -> int:
    """What is not done: it could be received, was received and is hidden meanwhile, or was sent to be seen later."""
    attributes = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )["Attributes"]
    return sum(map(int, attributes.values()))
