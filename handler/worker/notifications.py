"""A stored result in, word of it out, if the settings ask for that: tags on the object, an event for who listens."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handler.worker.results import Result

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

SOURCE: Final = "clothes-classifier"
DETAIL_TYPE: Final = "Image Classified"
_DETAILS: Final = ("status", "bucket", "key", "version_id", "etag", "request_id", "model", "classified")
_ANSWERS: Final = ("label", "class_id", "score", "known", "known_score", "title", "detail")
_ENTRIES_AT_ONCE: Final = 10  # EventBridge takes no more

_MAX_TAGS: Final = 10  # on one object
_NOT_IN_A_TAG: Final = re.compile(r"[^\w .:/=+@-]")
_GONE: Final = ("NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405")

log = logging.getLogger(__name__)


class NotAnnounced(Exception):
    """EventBridge did not take the event, which must therefore be sent again."""


class Tags:
    """Tags of the classified objects: `label` and `score`, beside those that are there."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def put(self, result: Result) -> None:
        """Tags the version of the object that `result` is about, if it is still there and has room for two tags.

        Tags that somebody else puts on it at the same moment may be lost: S3 knows no condition for tags. And in a
        bucket without versions the object may have been replaced meanwhile, until its own event is worked through.
        """
        document = result.document
        if document["status"] != "done":
            return
        version = {"VersionId": document["version_id"]} if document["version_id"] else {}
        place: Any = {"Bucket": document["bucket"], "Key": document["key"], **version}
        try:
            self._put(place, {"label": _tag_value(document["label"]), "score": f"{document['score']:.3f}"})
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def _put(self, place: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        old = {tag["Key"]: tag["Value"] for tag in self._s3.get_object_tagging(**place)["TagSet"]}
        new = {**old, **tags}
        if len(new) > _MAX_TAGS:
            log.warning("the object has too many tags for two more", extra={"key": place["Key"]})
        elif new != old:
            tag_set: Any = [{"Key": key, "Value": value} for key, value in new.items()]
            self._s3.put_object_tagging(**place, Tagging={"TagSet": tag_set})


class Events:
    """`Image Classified` events on the bus `bus`, at least one for each result; they say where the whole of it is."""

    def __init__(self, events: "EventBridgeClient", bus: str, results_bucket: str) -> None:
        self._events, self._bus, self._results_bucket = events, bus, results_bucket

    def publish(self, results: Sequence[Result]) -> list[Exception | None]:
        """For each result why its event was not taken, or None."""
        troubles: list[Exception | None] = []
        for start in range(0, len(results), _ENTRIES_AT_ONCE):
            some = results[start : start + _ENTRIES_AT_ONCE]
            try:
                troubles += self._publish(some)
            except Exception as error:
                troubles += [error] * len(some)
        return troubles

    def _publish(self, results: Sequence[Result]) -> list[Exception | None]:
        entries: Any = [
            {"Source": SOURCE, "DetailType": DETAIL_TYPE, "EventBusName": self._bus, "Detail": self._detail(result)}
            for result in results
        ]
        replies = self._events.put_events(Entries=entries)["Entries"]
        return [
            NotAnnounced(f"{reply['ErrorCode']}: {reply.get('ErrorMessage')}") if reply.get("ErrorCode") else None
            for reply in replies
        ]

    def _detail(self, result: Result) -> str:
        names = [name for name in _DETAILS + _ANSWERS if name in result.document]
        place = {"bucket": self._results_bucket, "key": result.key}
        return json.dumps({**{name: result.document[name] for name in names}, "result": place}, ensure_ascii=False)


def _tag_value(label: str) -> str:
    return _NOT_IN_A_TAG.sub("_", label)[:256]
