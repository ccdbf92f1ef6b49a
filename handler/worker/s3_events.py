"""Parse S3 events, direct, through SNS or through EventBridge, into uploads."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

Identity = tuple[str, str, str | None, str | None]


class UnknownEvent(Exception):
    """Not an S3 event."""


@dataclass(frozen=True)
class Upload:
    """An object that was put into a bucket, according to an event; None where the event does not say."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    uploaded: str | None = None  # ISO 8601
    sequencer: str | None = None  # orders events of one key (see `sequence`)

    @property
    def identity(self) -> Identity:
        """Equal for repeated deliveries of the same upload."""
        return self.bucket, self.key, self.version_id, self.etag


def sequence(sequencer: str | None) -> str:
    """A `sequencer` in a form that sorts: hexadecimal, padded on the right. None sorts as the oldest."""
    return (sequencer or "").upper().ljust(64, "0")


def uploads_in_text(text: str) -> tuple[Upload, ...]:
    """Parse the JSON `text`, the body of a queue message, as `uploads_in` does. Raises UnknownEvent."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnknownEvent(f"not an S3 event, nor JSON: {text[:200]!r}") from error
    return uploads_in(event)


def uploads_in(event: Any) -> tuple[Upload, ...]:
    """The uploads in `event`; none if it is about another S3 operation. Raises UnknownEvent if it is no S3 event."""
    try:
        return tuple(_uploads(event))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"not an S3 event: {str(event)[:200]!r}") from error


def _uploads(event: Any) -> Iterator[Upload]:
    match event:
        case {"Event": "s3:TestEvent"}:  # sent once, when the notification is configured
            return
        case {"Records": [_, *_] as records}:
            for record in records:
                yield from _of_record(record)
        case {"Type": "Notification", "Message": message}:  # SNS in a queue
            yield from uploads_in_text(message)
        case {"detail-type": "Object Created", "detail": detail}:
            yield _of_detail(detail, event["time"])
        case {"source": "aws.s3", "detail-type": _}:
            return
        case _:
            raise UnknownEvent(f"not an S3 event: {str(event)[:200]!r}")


def _of_record(record: Mapping[str, Any]) -> Iterator[Upload]:
    match record:
        case {"EventSource": "aws:sns", "Sns": {"Message": message}}:
            yield from uploads_in_text(message)
        case {"eventName": str(name), "s3": {"bucket": bucket, "object": stored}}:
            if name.startswith("ObjectCreated:"):
                yield Upload(
                    bucket=bucket["name"],
                    key=unquote_plus(stored["key"]),  # form-encoded: "a+b%2B.png" is "a b+.png"
                    version_id=stored.get("versionId"),
                    etag=stored["eTag"],
                    uploaded=record["eventTime"],
                    sequencer=stored.get("sequencer"),
                )
        case _:
            raise UnknownEvent(f"not a record of an S3 event: {str(record)[:200]!r}")


def _of_detail(detail: Mapping[str, Any], time: str) -> Upload:
    stored = detail["object"]
    return Upload(
        bucket=detail["bucket"]["name"],
        key=stored["key"],  # not encoded in EventBridge events
        version_id=stored.get("version-id"),
        etag=stored.get("etag"),
        uploaded=time,
        sequencer=stored.get("sequencer"),
    )
