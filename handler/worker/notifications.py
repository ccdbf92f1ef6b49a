"""Optional notifications of a stored result: object tags, EventBridge events."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handler.worker.downloads import GONE
from handler.worker.results import Result

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

SOURCE: Final = "clothes-classifier"
DETAIL_TYPE: Final = "Image Classified"
_DETAILS: Final = ("status", "bucket", "key", "version_id", "etag", "request_id", "model", "classified")
_CLASSIFICATION: Final = ("label", "class_id", "score", "known", "known_score", "confident", "title", "detail")
_MAX_ENTRIES: Final = 10  # of one PutEvents call

_MAX_TAGS: Final = 10  # on one object
_NOT_IN_A_TAG: Final = re.compile(r"[^\w .:/=+@-]")

log = logging.getLogger(__name__)


class EventRejected(Exception):
    """EventBridge rejected the event, so that the upload must be processed again."""


class ObjectTags:
    """Tags `label` and `score` of the classified objects, beside their other tags."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def put(self, result: Result) -> None:
        """Tag the object version of `result`, if it still exists and has room for two tags.

        Tags that another client writes at the same moment may be lost: S3 has no conditional writes of tags. In a
        bucket without versioning, an object that replaces this one has its tags until its own event is processed.
        """
        document = result.document
        if document["status"] != "done":
            return
        version = {"VersionId": document["version_id"]} if document["version_id"] else {}
        place: Any = {"Bucket": document["bucket"], "Key": document["key"], **version}
        try:
            self._put(place, {"label": _tag_value(document["label"]), "score": f"{document['score']:.3f}"})
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise

    def _put(self, place: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        old = {tag["Key"]: tag["Value"] for tag in self._s3.get_object_tagging(**place)["TagSet"]}
        new = {**old, **tags}
        if len(new) > _MAX_TAGS:
            log.warning("no room for two more tags", extra={"key": place["Key"]})
        elif new != old:
            tag_set: Any = [{"Key": key, "Value": value} for key, value in new.items()]
            self._s3.put_object_tagging(**place, Tagging={"TagSet": tag_set})


class EventPublisher:
    """Publishes an `Image Classified` event for each result, at least once; it has the key of the stored result."""

    def __init__(self, events: "EventBridgeClient", bus: str, results_bucket: str) -> None:
        self._events, self._bus, self._results_bucket = events, bus, results_bucket

    def publish(self, results: Sequence[Result]) -> list[Exception | None]:
        """For each result the error of its event, or None."""
        errors: list[Exception | None] = []
        for start in range(0, len(results), _MAX_ENTRIES):
            part = results[start : start + _MAX_ENTRIES]
            try:
                errors += self._publish(part)
            except Exception as error:
                errors += [error] * len(part)
        return errors

    def _publish(self, results: Sequence[Result]) -> list[Exception | None]:
        entries: Any = [
            {"Source": SOURCE, "DetailType": DETAIL_TYPE, "EventBusName": self._bus, "Detail": self._detail(result)}
            for result in results
        ]
        responses = self._events.put_events(Entries=entries)["Entries"]
        return [
            EventRejected(f"{response['ErrorCode']}: {response.get('ErrorMessage')}")
            if response.get("ErrorCode")
            else None
            for response in responses
        ]

    def _detail(self, result: Result) -> str:
        names = [name for name in _DETAILS + _CLASSIFICATION if name in result.document]
        place = {"bucket": self._results_bucket, "key": result.key}
        return json.dumps({**{name: result.document[name] for name in names}, "result": place}, ensure_ascii=False)


def _tag_value(label: str) -> str:
    return _NOT_IN_A_TAG.sub("_", label)[:256]
