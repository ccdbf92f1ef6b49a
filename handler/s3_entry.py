"""The entry for uploads: everything is built once, at import; `handler` is for AWS Lambda."""

import logging
from typing import Any, Final

import boto3
from botocore.config import Config

from handler.buckets import Worker
from handler.classifier import Classifier, read_card
from handler.settings import Settings

logging.getLogger().setLevel(logging.INFO)

_settings = Settings.from_environment()
if not _settings.results_bucket:
    raise ValueError("RESULTS_BUCKET must name the bucket for the results")

# A short patience and a few tries: what still fails comes again from the queue.
_config = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=max(10, _settings.downloads_at_once),
)
_worker = Worker(
    boto3.client("s3", endpoint_url=_settings.s3_endpoint_url, config=_config),
    Classifier.shipped(_settings.known_threshold),
    read_card(),
    _settings,
    boto3.client("events", config=_config) if _settings.event_bus else None,
)
_RESERVE_SECONDS: Final = 10  # to classify and store what was downloaded


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Classify the uploads that an event of SQS, S3, SNS, EventBridge or S3 Batch Operations tells of.

    The reply is what this sender expects. Raises DeliveryFailed if an event that came directly must come again.
    """
    return _worker.handle(event, context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
