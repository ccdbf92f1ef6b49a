"""A queue's messages in, one JSON result for each uploaded image out; the storage client is passed in."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from handler.classifier import Classifier
from handler.errors import RejectedImage, TooManyBytes
from handler.images import views_of
from handler.result_keys import result_key
from handler.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

TOP_K: Final = 3  # predictions in a result
# What S3 answers if the object that the event tells of is no longer there; an object in its place has its own event.
_GONE = ("NoSuchKey", "NoSuchVersion", "404")
_OVERWRITTEN = ("PreconditionFailed", "412")

log = logging.getLogger(__name__)


class UnknownEvent(Exception):
    """A message that is no storage event, so that nobody can say which image it is about."""


@dataclass(frozen=True)
class Upload:
    """An object that was put into a bucket, as the event tells of it."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    bytes: int
    uploaded: str  # ISO 8601


class Worker:
    """Classifies uploaded images; results go to the bucket that `settings` names.

    The same event twice writes the same result twice, under the same key: at-least-once delivery does no harm.
    """

    def __init__(self, s3: "S3Client", classifier: Classifier, model_sha256: str, settings: Settings) -> None:
        self._s3, self._classifier, self._settings = s3, classifier, settings
        self._model_sha256 = model_sha256

    def handle(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Work through the messages of an SQS `event`; the reply names those that must come again."""
        failed = [message["messageId"] for message in event["Records"] if not self._is_done(message)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _is_done(self, message: Mapping[str, Any]) -> bool:
        try:
            for upload in uploads_in(message["body"]):
                self._store_result(upload)
        # Whatever went wrong, the queue delivers the message again, and in the end to the dead-letter queue.
        except Exception:
            log.exception("message %s failed", message["messageId"])
            return False
        return True

    def _store_result(self, upload: Upload) -> None:
        try:
            outcome = self._outcome(upload)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE + _OVERWRITTEN:
                raise
            log.warning("s3://%s/%s was deleted or overwritten before it could be read", upload.bucket, upload.key)
            return
        result = {**asdict(upload), "model_sha256": self._model_sha256, **outcome}
        self._s3.put_object(
            Bucket=self._settings.results_bucket,
            Key=result_key(upload.key),
            Body=json.dumps(result, ensure_ascii=False, indent=1).encode(),
            ContentType="application/json",
        )
        log.info("s3://%s/%s: %s", upload.bucket, upload.key, outcome["status"])

    def _outcome(self, upload: Upload) -> dict[str, Any]:
        try:
            views = views_of(self._read(upload), self._settings.max_pixels)
        except RejectedImage as error:
            return {"status": "rejected", "title": error.title, "detail": str(error)}
        (classification,) = self._classifier.classify([views], TOP_K)
        return {"status": "done", **asdict(classification.predictions[0]), **asdict(classification)}

    def _read(self, upload: Upload) -> bytes:
        version = {"VersionId": upload.version_id} if upload.version_id else {}
        reply = self._s3.get_object(Bucket=upload.bucket, Key=upload.key, IfMatch=upload.etag, **version)  # type: ignore[arg-type]
        with reply["Body"] as body:
            limit = self._settings.max_body_bytes
            if reply["ContentLength"] > limit:
                raise TooManyBytes(f"the object has {reply['ContentLength']:,} bytes, more than the {limit:,} allowed")
            return body.read()


def uploads_in(body: str) -> Iterator[Upload]:
    """The uploads that a message's `body` tells of, an S3 notification in JSON; none for S3's test event.

    Raises UnknownEvent for anything else.
    """
    try:
        notification = json.loads(body)
        if notification.get("Event") == "s3:TestEvent":  # S3 sends it once, when the notification is set up
            return
        records = [record for record in notification["Records"] if record["eventName"].startswith("ObjectCreated:")]
        uploads = [_upload(record) for record in records]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"this is no S3 notification: {body[:200]!r}") from error
    yield from (upload for upload in uploads if not _is_folder(upload))


def _upload(record: Mapping[str, Any]) -> Upload:
    stored = record["s3"]["object"]
    return Upload(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),  # S3 writes keys as forms do: "a+b%2B.png" is "a b+.png"
        version_id=stored.get("versionId"),
        etag=stored["eTag"],
        bytes=stored["size"],
        uploaded=record["eventTime"],
    )


def _is_folder(upload: Upload) -> bool:
    """Whether it is but the empty object that S3's console makes for a folder."""
    return upload.key.endswith("/") and upload.bytes == 0
