"""Lambda's role in a campaign: poll the queue, invoke the worker, delete processed messages."""

from collections import Counter
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.core.models import botocore_stubber

from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from handler.telemetry.reports import InvocationReport
from handler.worker.worker import Worker
from infra.emulation.names import REGION, RESULTS
from tests.support.faults import ONE_TRY, Crash, Faults
from tests.system.campaign.cloud import Cloud

BATCH: Final = 10
# Of an invocation; a download has a third of them. They are of the real clock: a busy machine must not use them up, or
# downloads would be late that do not stall, and two runs with the same seed would differ.
SECONDS: Final = 30


class Lambda:
    """Polls, invokes and deletes as Lambda does; each step may fail."""

    def __init__(self, cloud: Cloud, faults: Faults) -> None:
        self._cloud = cloud
        s3 = boto3.client("s3", region_name=REGION, config=ONE_TRY)
        self._sqs: Any = boto3.client("sqs", region_name=REGION, config=ONE_TRY)
        faults.inject_into(s3, botocore_stubber)
        faults.inject_into(self._sqs, botocore_stubber)
        settings = Settings(results_bucket=RESULTS, max_body_bytes=10_000, downloads_at_once=16)
        self._worker = Worker(s3, Classifier.shipped(), read_card(), settings, report=self._count)
        self.counted: Counter[str] = Counter()

    def poll(self) -> int:
        """Process a batch; returns its size, or BATCH if polling failed."""
        try:
            response = self._sqs.receive_message(QueueUrl=self._cloud.queue_url, MaxNumberOfMessages=BATCH)
        except (ClientError, BotoCoreError):
            return BATCH
        messages = response.get("Messages", [])
        if messages:
            self.counted.update(delivered=len(messages), invocations=1)
            self._acknowledge(messages, self._failed(messages))
        return len(messages)

    def _failed(self, messages: list[dict[str, Any]]) -> set[str]:
        records = [
            {"messageId": message["MessageId"], "body": message["Body"], "eventSource": "aws:sqs"}
            for message in messages
        ]
        try:
            response = self._worker.handle({"Records": records}, SECONDS)
        except Crash:
            self.counted.update(crashes=1)
            return {message["MessageId"] for message in messages}
        return {failure["itemIdentifier"] for failure in response["batchItemFailures"]}

    def _acknowledge(self, messages: list[dict[str, Any]], failed: set[str]) -> None:
        done = [message for message in messages if message["MessageId"] not in failed]
        entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(done)]
        try:
            if entries:
                self._sqs.delete_message_batch(QueueUrl=self._cloud.queue_url, Entries=entries)
        except (ClientError, BotoCoreError):
            pass
        for message in messages:  # messages that were not deleted become visible at once
            try:
                self._cloud.sqs.change_message_visibility(
                    QueueUrl=self._cloud.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            except ClientError:
                continue

    def _count(self, report: InvocationReport) -> None:
        self.counted.update(gone=report.gone)
