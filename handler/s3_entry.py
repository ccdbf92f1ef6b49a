"""The entry for uploads: everything is built once, at import; `handler` is for AWS Lambda, fed by a queue."""

import logging
from typing import Any

import boto3
from botocore.config import Config

from handler.buckets import Worker
from handler.classifier import Classifier, read_card
from handler.settings import Settings

logging.getLogger().setLevel(logging.INFO)

_settings = Settings.from_environment()
if not _settings.results_bucket:
    raise ValueError("RESULTS_BUCKET must name the bucket for the results")

_worker = Worker(
    boto3.client(
        "s3",
        endpoint_url=_settings.s3_endpoint_url,
        # A short patience and a few tries: what still fails comes again from the queue.
        config=Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}),
    ),
    Classifier.shipped(_settings.known_threshold),
    read_card().model_sha256,
    _settings,
)


def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Classify the uploads that an SQS event tells of; the reply names the messages that must come again."""
    return _worker.handle(event)
