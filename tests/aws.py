"""An emulated AWS: moto's server with the stack's buckets and queues, and the worker's view of them."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import httpx2
from moto.server import ThreadedMotoServer

from tests.machine import free_port

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
UPLOADS, RESULTS = "uploads", "results"
MAX_RECEIVE_COUNT = 5


@dataclass(frozen=True)
class Cloud:
    """Buckets whose uploads are announced in a queue, as template.yaml has them."""

    port: int
    s3: "S3Client"
    sqs: "SQSClient"
    queue_url: str
    dead_letter_url: str

    def receive(self) -> dict[str, Any]:
        """Up to ten messages, in the shape in which Lambda hands them to a function."""
        messages = self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        ).get("Messages", [])
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "eventSource": "aws:sqs",
                }
                for message in messages
            ]
        }

    def acknowledge(self, event: dict[str, Any], reply: dict[str, Any]) -> None:
        """Delete what the worker has done, and make what failed visible again, as Lambda and time do."""
        failed = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}
        for message in event["Records"]:
            handle = message["receiptHandle"]
            if message["messageId"] in failed:
                self.sqs.change_message_visibility(QueueUrl=self.queue_url, ReceiptHandle=handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=handle)

    def results(self) -> dict[str, Any]:
        """Every result by its key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=RESULTS)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: json.loads(self.s3.get_object(Bucket=RESULTS, Key=key)["Body"].read()) for key in keys}


@contextmanager
def emulated_aws() -> Iterator[int]:
    """The port of an emulated AWS; it listens on every address, so that containers reach it."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else a line for each request
    port = free_port()
    server = ThreadedMotoServer("0.0.0.0", port, verbose=False)
    server.start()
    try:
        yield port
    finally:
        server.stop()


def new_cloud(port: int) -> Cloud:
    """Empty buckets and queues, and nothing else, in the emulated AWS at `port`."""
    endpoint = f"http://127.0.0.1:{port}"
    httpx2.post(f"{endpoint}/moto-api/reset").raise_for_status()
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name=REGION)
    sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=REGION)
    for bucket in (UPLOADS, RESULTS):
        s3.create_bucket(Bucket=bucket)
    dead_letter_url, dead_letter_arn = _queue(sqs, "dead-letter")
    redrive = {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
    queue_url, queue_arn = _queue(sqs, "uploads", RedrivePolicy=json.dumps(redrive))
    s3.put_bucket_notification_configuration(
        Bucket=UPLOADS,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    return Cloud(port, s3, sqs, queue_url, dead_letter_url)


def _queue(sqs: "SQSClient", name: str, **attributes: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
