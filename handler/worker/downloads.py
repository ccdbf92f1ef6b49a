"""Download uploaded objects, several at once, within limits of memory and time whatever their sizes."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handler.errors import Archived, OutOfMemory, OutOfTime, RejectedImage, TooManyBytes
from handler.inference.budget import Budget
from handler.result_keys import FOLDER, NO_VERSION, REQUEST_ID, SAFE_REQUEST_ID, version_of
from handler.settings import Settings
from handler.worker.s3_events import Upload
from handler.worker.transfers import Transfer

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

# S3's error codes if the object of an event no longer exists; the last two, if its version is a delete marker.
GONE: Final = ("NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405")
_OVERWRITTEN: Final = ("PreconditionFailed", "412")
_ARCHIVED: Final = ("InvalidObjectState",)
_NO_TIME: Final = "no time left in this invocation"
_TOO_SLOW: Final = "the download took too long"
# One slow object must not take the time of the others: each has this part of the invocation's, and at most 20 seconds.
_SHARE: Final = 1 / 3
_MAX_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.1
_NOT_RESTORED: Final = "the object is archived; restore it, then have it classified again"


class Gone(Exception):
    """The object no longer exists; nothing to classify or to retry."""


class Folder(Gone):
    """The empty object that S3's console makes for a folder."""


class OwnResult(Exception):
    """An upload that is a result of this worker: classifying it would start an endless loop."""


@dataclass(frozen=True)
class StoredObject:
    """An object as it was read from S3. Without a `version_id`, `etag` identifies it among those of its key."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    bytes: int
    uploaded: str  # ISO 8601
    sequencer: str | None
    request_id: str | None

    @property
    def version(self) -> str:
        return version_of(self.version_id, self.etag)


@dataclass(frozen=True)
class Download:
    """An object and its bytes, as they are stored, or why it was not downloaded."""

    object: StoredObject
    content: bytes | RejectedImage
    seconds: float
    encoding: str = ""  # Content-Encoding


class Downloads:
    """Reads the objects of uploads."""

    def __init__(self, s3: "S3Client", settings: Settings) -> None:
        self._s3, self._settings = s3, settings

    def each(self, uploads: Sequence[Upload], budget: Budget) -> Iterator[tuple[Upload, Download | Exception]]:
        """The download of every upload, or its error, in the order of completion.

        The memory of a body is released when the next one is requested, so drop it before. Those that are slow, or not
        there when the seconds of `budget` are used up, are OutOfTime; their connections are closed.
        """
        if budget.seconds_left <= 0:
            yield from ((upload, OutOfTime(_NO_TIME)) for upload in uploads)
            return
        in_flight = _BytesInFlight(self._settings.max_bytes_in_flight)
        seconds = min(budget.seconds_left * _SHARE, _MAX_SECONDS)
        transfers = [Transfer(upload, seconds) for upload in uploads]
        pool = ThreadPoolExecutor(self._settings.downloads_at_once)
        waiting = {pool.submit(self._download, transfer, in_flight): transfer for transfer in transfers}
        are_done = True
        try:
            while waiting and budget.seconds_left > 0:
                if future := _first_of(waiting, min(budget.seconds_left, _POLL_SECONDS)):
                    outcome = _outcome(future)
                    yield waiting.pop(future).upload, outcome
                    in_flight.release(_bytes_held(outcome))
                    del outcome
                del future  # it has the bytes, too
                for late in [each for each, transfer in waiting.items() if transfer.is_late and not each.done()]:
                    are_done = False
                    late.add_done_callback(lambda each: in_flight.release(_bytes_held(_outcome(each))))
                    yield _cut(waiting.pop(late)), OutOfTime(_TOO_SLOW)
            are_done = are_done and not waiting
            yield from ((_cut(transfer), OutOfTime(_NO_TIME)) for transfer in waiting.values())
        finally:
            in_flight.close()  # else threads that wait for it would wait forever
            pool.shutdown(wait=are_done, cancel_futures=not are_done)

    def _download(self, transfer: Transfer, in_flight: "_BytesInFlight") -> Download:
        upload, started = transfer.upload, perf_counter()
        if upload.bucket == self._settings.results_bucket and upload.key.startswith(FOLDER):
            raise OwnResult("the results bucket sends its events to the worker")
        transfer.start_clock()
        try:
            reply = self._open(upload)
        except ClientError as error:
            if _code(error) in GONE:
                raise Gone("deleted before it was read") from error
            if _code(error) in _OVERWRITTEN:
                raise Gone("overwritten before it was read") from error
            if _code(error) in _ARCHIVED:
                return Download(self._archived(upload), Archived(_NOT_RESTORED), perf_counter() - started)
            raise
        with closing(reply["Body"]) as body:  # as a context manager the body would not check its length
            stored = _stored_object(upload, reply)
            if stored.key.endswith("/") and not stored.bytes:
                raise Folder("S3 console folder placeholder; skipped")
            content = self._read(body, stored.bytes, transfer, in_flight)
            return Download(stored, content, perf_counter() - started, reply.get("ContentEncoding", ""))

    def _read(
        self, body: "StreamingBody", size: int, transfer: Transfer, in_flight: "_BytesInFlight"
    ) -> bytes | TooManyBytes:
        limit = self._settings.max_body_bytes
        if size > limit:
            return TooManyBytes(f"the object has {size:,} bytes, more than the maximum of {limit:,}")
        transfer.stop_clock()
        in_flight.take(size)
        try:
            return transfer.read(body)
        except BaseException:
            in_flight.release(size)
            raise

    def _open(self, upload: Upload) -> "GetObjectOutputTypeDef":
        """Open the object for reading. The newest version is requested first, which also detects deletion."""
        place: Any = {"Bucket": upload.bucket, "Key": upload.key} | ({"IfMatch": upload.etag} if upload.etag else {})
        try:
            reply = self._s3.get_object(**place)
        except ClientError as error:
            if upload.version_id is None or _code(error) not in _OVERWRITTEN + _ARCHIVED:
                raise
        else:
            if upload.version_id in (None, reply.get("VersionId", NO_VERSION)):
                return reply
            reply["Body"].close()
        return self._s3.get_object(**place, VersionId=upload.version_id)

    def _archived(self, upload: Upload) -> StoredObject:
        version: Any = {"VersionId": upload.version_id} if upload.version_id else {}
        return _stored_object(upload, self._s3.head_object(Bucket=upload.bucket, Key=upload.key, **version))


class _BytesInFlight:
    """A limit on the bytes held at once; an object above the limit is held alone."""

    def __init__(self, limit: int) -> None:
        self._limit, self._held, self._closed = limit, 0, False
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait until `size` bytes are free. Raises OutOfTime once nobody waits for them any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._held or self._held + size <= self._limit)
            if self._closed:
                raise OutOfTime(_NO_TIME)
            self._held += size

    def release(self, size: int) -> None:
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _first_of(waiting: Iterable[Future[Download]], seconds: float) -> Future[Download] | None:
    return next(iter(wait(waiting, seconds, FIRST_COMPLETED).done), None)


def _cut(transfer: Transfer) -> Upload:
    transfer.cut()
    return transfer.upload


def _outcome(future: Future[Download]) -> Download | Exception:
    try:
        return future.result()
    except Exception as error:  # one upload's error must not stop the others
        return without_memory(error)


def without_memory(error: Exception) -> Exception:
    """`error`, of which the traceback no longer keeps what its functions held: whole images."""
    clear_frames(error.__traceback__)
    return OutOfMemory("too little memory is free now") if isinstance(error, MemoryError) else error


def _bytes_held(outcome: Download | Exception) -> int:
    if isinstance(outcome, Download) and isinstance(outcome.content, bytes):
        return outcome.object.bytes
    return 0


def _stored_object(upload: Upload, reply: "GetObjectOutputTypeDef | HeadObjectOutputTypeDef") -> StoredObject:
    version_id = reply.get("VersionId", NO_VERSION)
    request_id = reply["Metadata"].get(REQUEST_ID, "")
    return StoredObject(
        bucket=upload.bucket,
        key=upload.key,
        version_id=None if version_id == NO_VERSION else version_id,
        etag=reply["ETag"].strip('"'),
        bytes=reply["ContentLength"],
        uploaded=upload.uploaded or reply["LastModified"].isoformat(),
        sequencer=upload.sequencer,
        # The metadata is written by the client.
        request_id=request_id if SAFE_REQUEST_ID.fullmatch(request_id) else None,
    )


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
