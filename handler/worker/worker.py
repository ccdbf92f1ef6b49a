"""An event about uploads in, one JSON result for each of them out; a whole batch goes through the model at once."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from handler.contract import Classification, ModelCard, Views
from handler.errors import RejectedImage
from handler.inference.classifier import Classifier
from handler.inference.decoding import views_of
from handler.settings import Settings
from handler.telemetry.work_reports import WorkReport, ignore
from handler.worker.downloads import Download, Downloads, Gone, StoredObject
from handler.worker.event_sources import Delivery, Settled, deliveries_in, reply_to
from handler.worker.notifications import Events, Tags
from handler.worker.results import Finding, Result, Results, result_of
from handler.worker.s3_events import Identity, Upload, sequence

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

TOP_K: Final = 3  # predictions in a result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seen:
    """An object and its views, or why there are none; its bytes are dropped already."""

    object: StoredObject
    views: Views | RejectedImage
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _Stored:
    """An upload that is worked through: what was found, and the result that is there now."""

    finding: Finding
    result: Result


# Of an upload: its result, or that it is Gone, or what went wrong, so that it must come again.
_Outcome = _Stored | Exception


class Worker:
    """Classifies uploaded images; results go to the bucket that `settings` names. The clients are passed in.

    The same event twice leaves the same result: at-least-once delivery does no harm, and neither does its order.
    """

    def __init__(  # noqa: PLR0913, PLR0917  all that it works with is passed in
        self,
        s3: "S3Client",
        classifier: Classifier,
        card: ModelCard,
        settings: Settings,
        events: "EventBridgeClient | None" = None,
        report: Callable[[WorkReport], None] = ignore,
    ) -> None:
        self._classifier, self._card, self._settings, self._report = classifier, card, settings, report
        self._downloads, self._results = Downloads(s3, settings), Results(s3, settings.results_bucket)
        self._tags = Tags(s3) if settings.tag_objects else None
        self._events = Events(events, settings.event_bus, settings.results_bucket) if events else None

    def handle(self, event: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Work through an `event` of any of AWS's senders; the reply is what this sender expects.

        After `seconds` no further image is begun, and what is left must come again. Raises DeliveryFailed, after
        everything else is done, if something must come again and no reply can say so.
        """
        started = perf_counter()
        deadline = None if seconds is None else monotonic() + seconds
        deliveries = deliveries_in(event)
        uploads = _each_once(upload for delivery in deliveries for upload in delivery.uploads)
        outcomes: dict[Identity, _Outcome] = {}
        for some in _parts(uploads, self._settings.max_batch_images):
            outcomes |= self._outcomes(some, deadline)
        settled = [_settled(delivery, outcomes) for delivery in deliveries]
        for upload in uploads:
            _log(upload, outcomes[upload.identity])
        self._report(self._counted(settled, list(outcomes.values()), perf_counter() - started))
        return reply_to(event, settled)

    def _outcomes(self, uploads: Sequence[Upload], deadline: float | None) -> dict[Identity, _Outcome]:
        """What becomes of `uploads`, which go through the model together."""
        seen: dict[Identity, _Seen] = {}
        outcomes: dict[Identity, _Outcome] = {}
        for upload, download in self._downloads.each(uploads, deadline):
            try:
                seen[upload.identity] = self._look_at(download)
            except Exception as error:
                outcomes[upload.identity] = error
            del download  # else it would take memory until the next is there
        try:
            return outcomes | dict(zip(seen, self._stored(self._findings(list(seen.values()))), strict=True))
        except Exception as error:
            return outcomes | dict.fromkeys(seen, error)

    def _look_at(self, download: Download | Exception) -> _Seen:
        """One picture after the other comes through here, since a large one takes hundreds of megabytes."""
        if isinstance(download, Exception):
            raise download
        started = perf_counter()
        views = self._views(download.content)
        return _Seen(download.object, views, {"download": download.seconds, "decode": perf_counter() - started})

    def _views(self, content: bytes | RejectedImage) -> Views | RejectedImage:
        try:
            return content if isinstance(content, RejectedImage) else views_of(content, self._settings.max_pixels)
        except RejectedImage as error:
            return type(error)(str(error))  # the other holds on to the picture, by its traceback

    def _findings(self, seen: Sequence[_Seen]) -> list[Finding]:
        started = perf_counter()
        pictures = [each.views for each in seen if not isinstance(each.views, RejectedImage)]
        answers = iter(self._classifier.classify(pictures, TOP_K) if pictures else ())
        share = (perf_counter() - started) / max(1, len(pictures))
        return [
            Finding(each.object, each.views, each.seconds)
            if isinstance(each.views, RejectedImage)
            else Finding(each.object, next(answers), {**each.seconds, "infer": share})
            for each in seen
        ]

    def _stored(self, findings: Sequence[Finding]) -> list[_Outcome]:
        with ThreadPoolExecutor(self._settings.downloads_at_once) as pool:
            futures = [pool.submit(self._store, finding) for finding in findings]
            outcomes = [future.result() for future in futures]
        if self._events:
            places = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, _Stored)]
            troubles = self._events.publish([outcome.result for outcome in outcomes if isinstance(outcome, _Stored)])
            for place, trouble in zip(places, troubles, strict=True):
                outcomes[place] = trouble or outcomes[place]
        return outcomes

    def _store(self, finding: Finding) -> _Outcome:
        try:
            result = self._results.store(result_of(finding, self._card))
            if self._tags:
                self._tags.put(result)
        except Exception as error:
            return error
        return _Stored(finding, result)

    def _counted(self, settled: Sequence[Settled], outcomes: Sequence[_Outcome], seconds: float) -> WorkReport:
        answers = [outcome.finding.answer for outcome in outcomes if isinstance(outcome, _Stored)]
        classifications = tuple(answer for answer in answers if isinstance(answer, Classification))
        gone = sum(isinstance(outcome, Gone) for outcome in outcomes)
        return WorkReport(
            messages=len(settled),
            messages_failed=sum(each.error is not None for each in settled),
            done=len(classifications),
            rejected=len(answers) - len(classifications),
            gone=gone,
            failed=len(outcomes) - len(answers) - gone,
            classifications=classifications,
            seconds=seconds,
            model_version=str(self._card.document["version"]),
        )


def _each_once(uploads: Iterable[Upload]) -> list[Upload]:
    """Of those that are delivered more than once, the last."""
    once: dict[Identity, Upload] = {}
    for upload in uploads:
        known = once.get(upload.identity)
        if known is None or sequence(known.sequencer) < sequence(upload.sequencer):
            once[upload.identity] = upload
    return list(once.values())


def _parts(uploads: Sequence[Upload], size: int) -> Iterator[Sequence[Upload]]:
    return (uploads[start : start + size] for start in range(0, len(uploads), size))


def _settled(delivery: Delivery, outcomes: Mapping[Identity, _Outcome]) -> Settled:
    if delivery.unknown:
        log.error("nobody knows what this is about", extra={"delivery": delivery.id}, exc_info=delivery.unknown)
        return Settled(delivery.id, str(delivery.unknown), delivery.unknown)
    its_own = [outcomes[upload.identity] for upload in delivery.uploads]
    texts = [outcome.result.key if isinstance(outcome, _Stored) else str(outcome) for outcome in its_own]
    errors = [outcome for outcome in its_own if isinstance(outcome, Exception) and not isinstance(outcome, Gone)]
    return Settled(delivery.id, "; ".join(texts), next(iter(errors), None))


def _log(upload: Upload, outcome: _Outcome) -> None:
    about = {"bucket": upload.bucket, "key": upload.key, "version_id": upload.version_id}
    match outcome:
        case _Stored(_, result):
            names = ("version_id", "request_id", "status", "label", "score", "known", "title")
            known = {name: result.document[name] for name in names if name in result.document}
            log.info("an upload has its result", extra=about | known)
        case Gone():
            log.info("an upload is gone: %s", outcome, extra=about | {"status": "gone"})
        case _:
            log.error("an upload failed", extra=about | {"status": "failed"}, exc_info=outcome)
