"""Store results as JSON documents in the results bucket, one for each version of an object."""

import json
import random
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handler.contract import Classification, ModelCard
from handler.errors import RejectedImage
from handler.result_keys import result_key
from handler.worker.downloads import StoredObject
from handler.worker.s3_events import sequence

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_TRIES: Final = 6
# S3's error codes if the condition of a write is not met, or if another write is in progress.
_CHANGED: Final = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404")


@dataclass(frozen=True)
class ObjectOutcome:
    """The classification of an object, or why it was rejected, and the seconds of each step."""

    object: StoredObject
    outcome: Classification | RejectedImage
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """A document of the results bucket, and its key there."""

    key: str
    document: Mapping[str, Any]


def result_of(classified: ObjectOutcome, card: ModelCard) -> Result:
    """The document of `classified`, as it is stored."""
    stored = classified.object
    status, outcome = _outcome(classified.outcome)
    document = {
        "status": status,
        **asdict(stored),
        "model": _model(card),
        "classified": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "timings": {step: round(seconds * 1000, 1) for step, seconds in classified.seconds.items()},
        **outcome,
    }
    return Result(result_key(stored.bucket, stored.key, stored.version), document)


def _model(card: ModelCard) -> dict[str, str]:
    published = card.document.get("environment", {}).get("published", "")
    return {"version": str(card.document["version"]), "sha256": card.model_sha256, "published": published}


class Contended(Exception):
    """Concurrent writes to the same document did not end."""


class Results:
    """The results bucket. A stored document is only replaced by one of a newer upload or of a newer model.

    So two versions of the functions that run at once, as in a gradual deployment, leave the results of the newer model.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def store(self, result: Result) -> Result:
        """Store `result` unless the stored one stays; return what is stored. Idempotent.

        Raises botocore's errors, and Contended.
        """
        for attempt in range(_TRIES):
            old, etag = self._stored(result.key) if attempt else (None, "")
            if old and _stays(old, result.document):
                return Result(result.key, old)
            new = _with_later_upload(old, result.document) if old else result.document
            if self._is_written(result.key, new, {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}):
                return Result(result.key, new)
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  jitter, not a secret
        raise Contended(f"{result.key} was changed concurrently {_TRIES} times")

    def _is_written(self, key: str, document: Mapping[str, Any], condition: dict[str, Any]) -> bool:
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CHANGED:
                raise
            return False
        return True

    def _stored(self, key: str) -> tuple[dict[str, Any] | None, str]:
        """The document at `key`, if it is a valid one, and its ETag; an empty ETag if there is no object."""
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None, ""
        with closing(reply["Body"]) as body:
            return _document(body.read()), reply["ETag"]


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _stays(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if (older := _age(old)) != (newer := _age(new)):
        return older > newer
    if (old.get("status"), new["status"]) == ("rejected", "done"):  # a limit was raised, or the object was restored
        return False
    # The bytes of a version never change; without versioning, the same bytes may have been uploaded again.
    return bool(new["version_id"]) or sequence(old.get("sequencer")) >= sequence(new["sequencer"])


def _age(document: Mapping[str, Any]) -> tuple[str, str]:
    """Sorts documents by the time their model was published; among those of the same time, one version wins."""
    model = document.get("model")
    if not isinstance(model, Mapping):
        return "", ""
    return str(model.get("published", "")), str(model.get("version", ""))


def _with_later_upload(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    if sequence(old.get("sequencer")) <= sequence(new["sequencer"]):
        return new
    return {**new, **{name: old.get(name) for name in ("uploaded", "sequencer", "request_id")}}


def _outcome(outcome: Classification | RejectedImage) -> tuple[str, dict[str, Any]]:
    if isinstance(outcome, RejectedImage):
        return "rejected", {"title": outcome.title, "detail": str(outcome)}
    return "done", {**asdict(outcome.predictions[0]), **asdict(outcome)}
