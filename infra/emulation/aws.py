"""Emulated AWS in memory: moto's server with the stack's buckets and queues, polled as Lambda polls them."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from infra.emulation.names import REGION, RESULTS, UPLOADS
from infra.emulation.presigned_posts import enforce_post_conditions

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

MAX_RECEIVE_COUNT: Final = 5


@dataclass(frozen=True)
class EmulatedAws:
    """Two buckets and a queue that is notified of uploads, as in template.yaml."""

    port: int
    s3: "S3Client"
    sqs: "SQSClient"
    queue_url: str
    dead_letter_url: str

    @classmethod
    def create(cls, port: int) -> Self:
        """Create the buckets and queues in the emulated AWS at `port`, which must be empty."""
        connection: Any = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": REGION}
        s3, sqs = boto3.client("s3", **connection), boto3.client("sqs", **connection)
        for bucket in (UPLOADS, RESULTS):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        dead_letter_url, dead_letter_arn = _queue(sqs, "dead-letter")
        redrive = {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
        queue_url, queue_arn = _queue(sqs, "uploads", RedrivePolicy=json.dumps(redrive))
        s3.put_bucket_notification_configuration(
            Bucket=UPLOADS,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        return cls(port, s3, sqs, queue_url, dead_letter_url)

    def receive(self, wait_seconds: int = 0) -> dict[str, Any]:
        """An event with up to ten messages, as Lambda passes it to a function."""
        messages = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
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

    def acknowledge(self, event: dict[str, Any], response: dict[str, Any]) -> None:
        """Delete processed messages, and make failed ones visible at once, without waiting for the timeout."""
        handles = {message["messageId"]: message["receiptHandle"] for message in event["Records"]}
        failed = [handles.pop(failure["itemIdentifier"]) for failure in response["batchItemFailures"]]
        for handle in failed:
            self.sqs.change_message_visibility(QueueUrl=self.queue_url, ReceiptHandle=handle, VisibilityTimeout=0)
        if handles:
            done: Any = [{"Id": message_id, "ReceiptHandle": handle} for message_id, handle in handles.items()]
            self.sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=done)


@contextmanager
def emulated_aws(listener: socket.socket) -> Iterator[int]:
    """Serve an emulated AWS on `listener`, and yield its port. All servers of a process share their state.

    Signatures are not checked, nor when a presigned POST expires. See `enforce_post_conditions`.
    """
    enforce_post_conditions()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs each request
    address, port = listener.getsockname()
    server = make_server(
        address,
        port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listener.fileno(),
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _queue(sqs: "SQSClient", name: str, **attributes: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
