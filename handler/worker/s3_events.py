"""A storage event in, the uploads that it tells of out: S3's own, through SNS, or EventBridge's."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

Identity = tuple[str, str, str | None, str | None]


class UnknownEvent(Exception):
    """What is no storage event, so that nobody can say which image it is about."""


@dataclass(frozen=True)
class Upload:
    """An object that was put into a bucket, as an event tells of it; None is what the event does not tell."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    uploaded: str | None = None  # ISO 8601
    sequencer: str | None = None  # of two events about one key the later has the greater (see `sequence`)

    @property
    def identity(self) -> Identity:
        """What two deliveries of the same upload have in common."""
        return self.bucket, self.key, self.version_id, self.etag


def sequence(sequencer: str | None) -> str:
    """A `sequencer` as it compares with others: they are hexadecimal, and the shorter has zeros behind it.

    The event that has none counts as the oldest.
    """
    return (sequencer or "").upper().ljust(64, "0")


def uploads_in_text(text: str) -> tuple[Upload, ...]:
    """What `uploads_in` finds in the JSON `text`, the body of a queue's message. Raises UnknownEvent."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnknownEvent(f"this is no storage event, nor JSON: {text[:200]!r}") from error
    return uploads_in(event)


def uploads_in(event: Any) -> tuple[Upload, ...]:
    """The uploads that `event` tells of; none if it is about something else that S3 does.

    Raises UnknownEvent for anything that is no storage event.
    """
    try:
        return tuple(_uploads(event))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"this is no storage event: {str(event)[:200]!r}") from error


def _uploads(event: Any) -> Iterator[Upload]:
    match event:
        case {"Event": "s3:TestEvent"}:  # S3 sends it once, when the notification is set up
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
            raise UnknownEvent(f"this is no storage event: {str(event)[:200]!r}")


def _of_record(record: Mapping[str, Any]) -> Iterator[Upload]:
    match record:
        case {"EventSource": "aws:sns", "Sns": {"Message": message}}:
            yield from uploads_in_text(message)
        case {"eventName": str(name), "s3": {"bucket": bucket, "object": stored}}:
            if name.startswith("ObjectCreated:"):
                yield Upload(
                    bucket=bucket["name"],
                    key=unquote_plus(stored["key"]),  # S3 writes keys as forms do: "a+b%2B.png" is "a b+.png"
                    version_id=stored.get("versionId"),
                    etag=stored["eTag"],
                    uploaded=record["eventTime"],
                    sequencer=stored.get("sequencer"),
                )
        case _:
            raise UnknownEvent(f"this is no record of a storage event: {str(record)[:200]!r}")


def _of_detail(detail: Mapping[str, Any], time: str) -> Upload:
    stored = detail["object"]
    return Upload(
        bucket=detail["bucket"]["name"],
        key=stored["key"],  # EventBridge has keys as they are
        version_id=stored.get("version-id"),
        etag=stored.get("etag"),
        uploaded=time,
        sequencer=stored.get("sequencer"),
    )
