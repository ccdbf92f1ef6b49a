"""The buckets and the queues of a campaign, in moto, within this process."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import boto3

from infra.emulation.names import REGION, RESULTS, UPLOADS

MAX_RECEIVE_COUNT: Final = 5


@dataclass(frozen=True)
class Put:
    """One version of an object, and what its result must say: a label, or nothing if it is to be rejected."""

    key: str
    etag: str
    bytes: int
    sequencer: str
    label: str | None


@dataclass
class Cloud:
    """The buckets and the queues, and what was put there."""

    s3: Any
    sqs: Any
    queue_url: str
    dead_letter_url: str
    puts: dict[str, Put] = field(default_factory=dict)  # by version id
    optional: set[str] = field(default_factory=set)  # versions that were deleted, perhaps before they were read

    @classmethod
    def create(cls) -> Self:
        s3, sqs = boto3.client("s3", region_name=REGION), boto3.client("sqs", region_name=REGION)
        for bucket in (UPLOADS, RESULTS):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        dead_letter_url = sqs.create_queue(QueueName="dead-letter")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
        queue_url = sqs.create_queue(QueueName="uploads", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
        return cls(s3, sqs, queue_url, dead_letter_url)

    def send(self, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), 10):
            some = bodies[start : start + 10]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(some)]
            self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)

    def dead_letters(self) -> Iterator[str]:
        """The body of each, which is then no longer there."""
        place = {"QueueUrl": self.dead_letter_url}
        while messages := self.sqs.receive_message(**place, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.sqs.delete_message(**place, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """All that was ever stored under each key of the results bucket."""
        documents: dict[str, list[dict[str, Any]]] = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=RESULTS):
            for version in page.get("Versions", []):
                place = {"Bucket": RESULTS, "Key": version["Key"], "VersionId": version["VersionId"]}
                body = self.s3.get_object(**place)["Body"].read()
                documents.setdefault(version["Key"], []).append(json.loads(body))
        return documents
