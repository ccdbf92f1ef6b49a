"""Entry for S3 events. Everything is built once, at import: `handler` for AWS Lambda."""

import gc
import logging
from typing import TYPE_CHECKING, Any, Final, cast

gc.disable()  # see http_entry

from botocore.config import Config
from botocore.session import Session

from handler.inference.classifier import load_model
from handler.inference.pipeline import classify
from handler.lifecycle.cold_start import ColdStart
from handler.lifecycle.snapstart import after_restore
from handler.lifecycle.warm_up import small_image
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import InvocationReport, log_invocation
from handler.worker.worker import Worker

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

_settings = Settings.from_environment()
logging.getLogger("handler").setLevel(_settings.log_level)

if not _settings.results_bucket:
    raise ValueError("RESULTS_BUCKET must name the bucket for the results")

# Short timeouts and few retries: what still fails is delivered again by the queue.
_config = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=max(10, _settings.downloads_at_once),
)
_classifier, _card = load_model(_settings.model_dir, _settings.known_threshold, _settings.confident_threshold)
_metrics = Metrics(_settings.metrics_namespace, _card.version)


def _report(report: InvocationReport) -> None:
    cold_start_seconds = _cold_start.take()
    log_invocation(report, cold=cold_start_seconds is not None)
    _metrics.record_invocation(report, cold_start_seconds)


# Left to finish the image that is being decoded, which takes up to 10 seconds, then to classify, and to store and to
# publish, which take up to 2 seconds each (see `handler.worker.storage`).
_RESERVE_SECONDS: Final = 15


def _new_worker() -> Worker:
    """A worker with its own connections and credentials."""
    session = Session()
    s3 = cast("S3Client", session.create_client("s3", endpoint_url=_settings.s3_endpoint_url, config=_config))
    events = cast("EventBridgeClient", session.create_client("events", config=_config)) if _settings.event_bus else None
    return Worker(s3, _classifier, _card, _settings, events, _report)


def _warm_up() -> None:
    """Classify one image, so that the first upload finds decoder and model loaded."""
    classify(_classifier, small_image(), _settings.max_pixels, top_k=1)


def _reconnect() -> None:
    global _worker  # noqa: PLW0603  connections must not come from a snapshot
    _worker = _new_worker()


_warm_up()
_worker = _new_worker()
after_restore(_reconnect)
_cold_start = ColdStart()
gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Classify the uploads in an event of SQS, S3, SNS, EventBridge or S3 Batch Operations.

    Returns the response that the event source expects. Raises EventFailed if a direct event must be delivered again.
    """
    return _worker.handle(event, context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
