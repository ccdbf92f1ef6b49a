"""Parse S3 events into uploads: direct, through SNS, EventBridge or CloudTrail, and those of S3's emulators.

S3, MinIO, Ceph     {"Records": [{"eventName": "ObjectCreated:Put", "s3": ...}]}, or "s3:ObjectCreated:Put"
EventBridge         {"detail-type": "Object Created", "detail": ...}
CloudTrail          {"detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": "PutObject", ...}}

`event_names` has the names of uploads.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from handler.worker.event_names import is_upload_call, is_upload_type, notifies_of_upload

Identity = tuple[str, str, str | None, str | None]

_BUCKET: Final = re.compile(r"[\w.-]{1,255}", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-~]{1,1024}")  # version ids and ETags; they become headers and parts of URLs
_SEQUENCER: Final = re.compile(r"[0-9A-Fa-f]{1,64}")
_MAX_KEY_BYTES: Final = 1024
_MAX_QUOTED: Final = 200  # characters of an event in an error


class UnknownEvent(Exception):
    """Not an S3 event, or one of which a part is damaged; `uploads` are in the other parts."""

    def __init__(self, reason: str, uploads: "tuple[Upload, ...]" = ()) -> None:
        super().__init__(reason)
        self.uploads = uploads


@dataclass(frozen=True)
class Upload:
    """An object that was put into a bucket, according to an event; None where the event does not say.

    Events may hold anything, so every field is checked. Raises UnknownEvent.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    uploaded: str | None = None  # ISO 8601
    sequencer: str | None = None  # orders events of one key (see `sequence`)

    def __post_init__(self) -> None:
        wrong = [
            not _matches(_BUCKET, self.bucket),
            not is_key(self.key),
            self.version_id is not None and not _matches(_VISIBLE, self.version_id),
            self.etag is not None and not _matches(_VISIBLE, self.etag),
            self.uploaded is not None and not _is_time(self.uploaded),
            self.sequencer is not None and not _matches(_SEQUENCER, self.sequencer),
        ]
        if any(wrong):
            names = ("bucket", "key", "version", "ETag", "time", "sequencer")
            found = ", ".join(name for name, is_wrong in zip(names, wrong, strict=True) if is_wrong)
            raise UnknownEvent(f"an upload without a valid {found}")

    @property
    def identity(self) -> Identity:
        """Equal for repeated deliveries of the same upload."""
        return self.bucket, self.key, self.version_id, self.etag


def sequence(sequencer: str | None) -> str:
    """A `sequencer` in a form that sorts: hexadecimal, padded on the right. None sorts as the oldest."""
    return (sequencer or "").upper().ljust(64, "0")


def uploads_in_text(text: Any) -> tuple[Upload, ...]:
    """Parse the JSON `text`, the body of a queue message, as `uploads_in` does. Raises UnknownEvent."""
    if not isinstance(text, str):
        raise UnknownEvent(f"not an S3 event, nor text: {quoted(text)}")
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnknownEvent(f"not an S3 event, nor JSON: {quoted(text)}") from error
    return uploads_in(event)


def uploads_in(event: Any) -> tuple[Upload, ...]:
    """The uploads in `event`; none if it is about another S3 operation.

    Raises UnknownEvent if it is no S3 event, and, with the uploads that were found, if a part of it is none.
    """
    match event:
        case {"Event": "s3:TestEvent"}:  # sent once, when the notification is configured
            return ()
        case {"Records": [_, *_] as records}:
            return _of_records(records)
        case {"Type": "Notification", "Message": message}:  # SNS in a queue
            return uploads_in_text(message)
        case {"detail-type": "AWS API Call via CloudTrail", "detail": {"eventSource": "s3.amazonaws.com"} as call}:
            return _of_call(call)
        case {"detail-type": str(kind)} if is_upload_type(kind):
            return (_of_event(event),)
        case {"source": "aws.s3", "detail-type": str(kind)} if is_upload_type(kind) is False:
            return ()
    raise UnknownEvent(f"not an S3 event: {quoted(event)}")


def text_of(value: Any) -> Any:
    """`value`, with an empty text as None: that is how some senders leave a field out."""
    return None if value == "" else value


def quoted(value: Any) -> str:
    """The beginning of `value`, for an error."""
    try:
        return repr(value[:_MAX_QUOTED] if isinstance(value, str) else value)[:_MAX_QUOTED]
    except (ValueError, RecursionError):  # an integer of thousands of digits; deep nesting
        return f"a {type(value).__name__}"


def _of_records(records: Iterable[Any]) -> tuple[Upload, ...]:
    """A damaged record does not take the others along."""
    uploads: list[Upload] = []
    unknown: UnknownEvent | None = None
    for record in records:
        try:
            uploads += _of_record(record)
        except UnknownEvent as error:
            uploads += error.uploads
            unknown = unknown or error
    if unknown:
        raise UnknownEvent(str(unknown), tuple(uploads)) from unknown
    return tuple(uploads)


def _of_record(record: Any) -> Iterator[Upload]:
    match record:
        case {"EventSource": "aws:sns", "Sns": {"Message": message}}:
            yield from uploads_in_text(message)
        case {"eventName": str(name)} if (is_upload := notifies_of_upload(name)) is not None:
            if is_upload:
                yield _of_s3(record)
        case _:
            raise UnknownEvent(f"not a record of an S3 event: {quoted(record)}")


def _of_s3(record: Mapping[str, Any]) -> Upload:
    key = _at(record, "s3", "object", "key")
    return Upload(
        bucket=_at(record, "s3", "bucket", "name"),
        key=decoded_key(key) if isinstance(key, str) else key,
        version_id=text_of(_at(record, "s3", "object", "versionId")),
        etag=_etag(_at(record, "s3", "object", "eTag")),
        uploaded=text_of(_at(record, "eventTime")),
        sequencer=text_of(_at(record, "s3", "object", "sequencer")),
    )


def _of_event(event: Mapping[str, Any]) -> Upload:
    return Upload(
        bucket=_at(event, "detail", "bucket", "name"),
        key=_at(event, "detail", "object", "key"),  # not encoded in EventBridge events
        version_id=text_of(_at(event, "detail", "object", "version-id")),
        etag=_etag(_at(event, "detail", "object", "etag")),
        uploaded=text_of(_at(event, "time")),
        sequencer=text_of(_at(event, "detail", "object", "sequencer")),
    )


def _of_call(call: Mapping[str, Any]) -> tuple[Upload, ...]:
    """The upload of a call of S3's API; it may have failed."""
    is_upload = is_upload_call(str(_at(call, "eventName")))
    if is_upload is None:
        raise UnknownEvent(f"not a call of S3's API: {quoted(call)}")
    if not is_upload or _at(call, "errorCode") is not None:
        return ()
    return (
        Upload(
            bucket=_at(call, "requestParameters", "bucketName"),
            key=_at(call, "requestParameters", "key"),
            version_id=text_of(_at(call, "responseElements", "x-amz-version-id")),
            uploaded=text_of(_at(call, "eventTime")),
        ),
    )


def decoded_key(key: str) -> str:
    """A form-encoded key: "a+b%2B.png" is "a b+.png". Raises UnknownEvent if it is not UTF-8, as S3's keys are."""
    try:
        return unquote_plus(key, errors="strict")
    except ValueError as error:
        raise UnknownEvent(f"a key that is not encoded UTF-8: {quoted(key)}") from error


def _at(value: Any, *names: str) -> Any:
    """The member of nested mappings, or None if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _etag(value: Any) -> Any:
    return text_of(value.strip('"')) if isinstance(value, str) else value


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_key(value: Any) -> bool:
    """Whether S3 may have an object with the key `value`."""
    try:
        return isinstance(value, str) and 1 <= len(value.encode()) <= _MAX_KEY_BYTES
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False
