"""What was found in an upload in, a JSON document in the results bucket out, once for each version of an object."""

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
# What S3 answers if the document is not as the condition says, or if somebody else writes it just now.
_CHANGED: Final = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404")


@dataclass(frozen=True)
class Finding:
    """What an object shows, or why that cannot be said, and how long each step took."""

    object: StoredObject
    answer: Classification | RejectedImage
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """A document of the results bucket, and its key there."""

    key: str
    document: Mapping[str, Any]


def result_of(finding: Finding, card: ModelCard) -> Result:
    """The document that tells of `finding`, as it is stored."""
    stored = finding.object
    status, answer = _answer(finding.answer)
    document = {
        "status": status,
        **asdict(stored),
        "model": {"version": str(card.document["version"]), "sha256": card.model_sha256},
        "classified": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "timings": {step: round(seconds * 1000, 1) for step, seconds in finding.seconds.items()},
        **answer,
    }
    return Result(result_key(stored.bucket, stored.key, stored.version), document)


class Contended(Exception):
    """Others changed the same document again and again at the same moment."""


class Results:
    """The results bucket. What is there stays there, unless the new document knows more."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def store(self, result: Result) -> Result:
        """What is there afterwards: `result`, or what was there and stays, so that a repetition changes nothing.

        Raises botocore's errors, and Contended.
        """
        for attempt in range(_TRIES):
            old, etag = self._stored(result.key) if attempt else (None, "")
            if old and _stays(old, result.document):
                return Result(result.key, old)
            new = _with_later_upload(old, result.document) if old else result.document
            if self._is_written(result.key, new, {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}):
                return Result(result.key, new)
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  it only parts those who collide
        raise Contended(f"{result.key} was changed by others {_TRIES} times")

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
        """The document under `key`, if it is one, and its ETag; the ETag is empty if there is nothing."""
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
    if old.get("model") != new["model"]:
        return False
    if (old.get("status"), new["status"]) == ("rejected", "done"):  # a limit was raised, or the object restored
        return False
    # A version's bytes never change; without versions the same bytes may have been put there again, later.
    return bool(new["version_id"]) or sequence(old.get("sequencer")) >= sequence(new["sequencer"])


def _with_later_upload(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    if sequence(old.get("sequencer")) <= sequence(new["sequencer"]):
        return new
    return {**new, **{name: old.get(name) for name in ("uploaded", "sequencer", "request_id")}}


def _answer(answer: Classification | RejectedImage) -> tuple[str, dict[str, Any]]:
    if isinstance(answer, RejectedImage):
        return "rejected", {"title": answer.title, "detail": str(answer)}
    return "done", {**asdict(answer.predictions[0]), **asdict(answer)}
