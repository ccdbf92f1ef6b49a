"""Buckets and queues of a campaign, in moto in this process."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import boto3

from infra.emulation.names import REGION, RESULTS, UPLOADS

MAX_RECEIVE_COUNT: Final = 5
UNVERSIONED: Final = "unversioned"  # another bucket for uploads


@dataclass(frozen=True)
class Put:
    """A version of an object, with the expected label; None if it must be rejected."""

    bucket: str
    key: str
    etag: str
    bytes: int
    sequencers: tuple[str, ...]  # several if the same bytes were put again into a bucket without versioning
    label: str | None


@dataclass
class Cloud:
    """The buckets and queues, with a record of the uploads."""

    s3: Any
    sqs: Any
    queue_url: str
    dead_letter_url: str
    puts: dict[str, Put] = field(default_factory=dict)  # by version id, or ETag without versioning
    optional: set[str] = field(default_factory=set)  # versions that were deleted, possibly before they were read
    backfilled: set[str] = field(default_factory=set)  # versions; their results have no sequencer

    @classmethod
    def create(cls) -> Self:
        s3, sqs = boto3.client("s3", region_name=REGION), boto3.client("sqs", region_name=REGION)
        for bucket in (UPLOADS, RESULTS):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.create_bucket(Bucket=UNVERSIONED)
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
        """Receive and delete all dead letters; yields their bodies."""
        queue = {"QueueUrl": self.dead_letter_url}
        while messages := self.sqs.receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """All versions of each result, by key."""
        documents: dict[str, list[dict[str, Any]]] = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=RESULTS):
            for version in page.get("Versions", []):
                stored = {"Bucket": RESULTS, "Key": version["Key"], "VersionId": version["VersionId"]}
                body = self.s3.get_object(**stored)["Body"].read()
                documents.setdefault(version["Key"], []).append(json.loads(body))
        return documents
