"""Classify the uploads of an event, and store one JSON result for each; a batch is one run of the model.

What costs little comes first: when a large or suspicious image is decoded, the results of the others are stored.
An image that fails never takes the others along: it gets a `rejected` result, or it is delivered again.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from handler.contract import Classification, ModelCard
from handler.errors import OutOfMemory, OutOfTime, RejectedImage
from handler.inference.budget import Budget
from handler.inference.classifier import Classifier
from handler.inference.pipeline import PreparedImage, classify_each, prepare_or_error
from handler.settings import Settings
from handler.telemetry.reports import InvocationReport, ignore
from handler.worker.cost import is_costly
from handler.worker.downloads import Download, Downloads, Folder, Gone, StoredObject, without_memory
from handler.worker.encoded_objects import decoded_content
from handler.worker.event_sources import Record, RecordResult, records_in, response_to
from handler.worker.results import ObjectOutcome
from handler.worker.s3_events import Identity, Upload, sequence
from handler.worker.storage import Storage, Stored

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

TOP_K: Final = 3  # predictions in a result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _PreparedObject:
    """A decoded object, or why it was rejected; its bytes are released already."""

    object: StoredObject
    image: PreparedImage | RejectedImage
    seconds: Mapping[str, float]


# Of an upload: its stored result, or Gone, or the error because of which it must be delivered again.
_Outcome = Stored | Exception


class _Postponed(Exception):
    """A costly image, which is downloaded again when the others are done."""


class Worker:
    """Classifies uploaded images and stores results in `settings.results_bucket`. The clients are passed in.

    Idempotent: repeated and reordered events leave the same results.
    """

    def __init__(  # noqa: PLR0913, PLR0917  dependencies are passed in
        self,
        s3: "S3Client",
        classifier: Classifier,
        card: ModelCard,
        settings: Settings,
        events: "EventBridgeClient | None" = None,
        report: Callable[[InvocationReport], None] = ignore,
    ) -> None:
        self._classifier, self._card, self._settings, self._report = classifier, card, settings, report
        self._downloads, self._storage = Downloads(s3, settings), Storage(s3, card, settings, events)

    def handle(self, event: Any, seconds: float | None = None) -> dict[str, Any]:
        """Process an `event` of any event source, and return the response that the source expects.

        After `seconds` no further image is begun, and what hangs ends soon; the rest must be delivered again. Raises
        EventFailed, after everything else is done, if something must be delivered again and no response can say so.
        """
        started = perf_counter()
        # No bound on all pixels: whatever is not done in time is done in a later invocation.
        budget = Budget(sys.maxsize, math.inf if seconds is None else seconds)
        records = records_in(event)
        uploads = _without_repetitions(upload for record in records for upload in record.uploads)
        outcomes = self._process_all(uploads, budget)
        results = [_record_result(record, outcomes) for record in records]
        for upload in uploads:
            _log(upload, outcomes[upload.identity])
        self._report(self._invocation_report(results, list(outcomes.values()), perf_counter() - started))
        return response_to(event, results)

    def _process_all(self, uploads: Sequence[Upload], budget: Budget) -> dict[Identity, _Outcome]:
        outcomes: dict[Identity, _Outcome] = {}
        for batch in _batches(uploads, self._settings.max_batch_images):
            outcomes |= self._process(batch, budget, postpones=True)
        costly = [upload for upload in uploads if isinstance(outcomes[upload.identity], _Postponed)]
        for upload in costly:  # one by one: the result of each is stored before the next one is decoded
            outcomes |= self._process([upload], budget, postpones=False)
        return outcomes

    def _process(self, uploads: Sequence[Upload], budget: Budget, *, postpones: bool) -> dict[Identity, _Outcome]:
        """Process one batch; with `postpones`, costly images are not decoded, and their outcome is _Postponed."""
        prepared: dict[Identity, _PreparedObject] = {}
        outcomes: dict[Identity, _Outcome] = {}
        for upload, download in self._downloads.each(uploads, budget):
            try:
                prepared[upload.identity] = self._prepare(download, budget, postpones=postpones)
            except Exception as error:
                outcomes[upload.identity] = without_memory(error)
            del download  # else its bytes would stay in memory until the next one is there
        return outcomes | self._finish(prepared, budget)

    def _prepare(self, download: Download | Exception, budget: Budget, *, postpones: bool) -> _PreparedObject:
        """Called for one object at a time, since decoding a large one takes hundreds of megabytes."""
        if isinstance(download, Exception):
            raise download
        if budget.seconds_left <= 0:
            raise OutOfTime("no time left in this invocation")
        started = perf_counter()
        content = decoded_content(download, self._settings.max_body_bytes)
        if postpones and is_costly(content, self._settings.max_pixels):
            raise _Postponed
        image = prepare_or_error(self._classifier, content, self._settings.max_pixels, budget)
        if isinstance(image, OutOfMemory | OutOfTime):
            raise image  # not the image's fault
        seconds = {"download": download.seconds, "decode": perf_counter() - started}
        return _PreparedObject(download.object, image, seconds)

    def _finish(self, prepared: Mapping[Identity, _PreparedObject], budget: Budget) -> dict[Identity, _Outcome]:
        """Classify objects and store their results: all at once, or each on its own if that fails."""
        try:
            classified = self._classify_each(list(prepared.values()))
        except Exception as error:
            if len(prepared) <= 1:
                return dict.fromkeys(prepared, without_memory(error))
            log.warning("the batch could not be classified at once", exc_info=error)
        else:
            return dict(zip(prepared, self._storage.store_each(classified, budget), strict=True))
        outcomes: dict[Identity, _Outcome] = {}
        for identity, each in prepared.items():
            outcomes |= self._finish({identity: each}, budget)
        return outcomes

    def _classify_each(self, prepared: Sequence[_PreparedObject]) -> list[ObjectOutcome]:
        started = perf_counter()
        outcomes = classify_each(self._classifier, [each.image for each in prepared], TOP_K)
        share = (perf_counter() - started) / max(1, sum(isinstance(each, Classification) for each in outcomes))
        return [
            ObjectOutcome(
                each.object,
                outcome,
                {**each.seconds, "infer": share} if isinstance(outcome, Classification) else each.seconds,
            )
            for each, outcome in zip(prepared, outcomes, strict=True)
        ]

    def _invocation_report(
        self, results: Sequence[RecordResult], outcomes: Sequence[_Outcome], seconds: float
    ) -> InvocationReport:
        finished = [outcome.classified.outcome for outcome in outcomes if isinstance(outcome, Stored)]
        classifications = tuple(outcome for outcome in finished if isinstance(outcome, Classification))
        gone = sum(isinstance(outcome, Gone) for outcome in outcomes)
        return InvocationReport(
            messages=len(results),
            messages_failed=sum(result.error is not None for result in results),
            done=len(classifications),
            rejected=len(finished) - len(classifications),
            gone=gone,
            failed=len(outcomes) - len(finished) - gone,
            classifications=classifications,
            seconds=seconds,
            model_version=self._card.version,
        )


def _without_repetitions(uploads: Iterable[Upload]) -> list[Upload]:
    """Of uploads with the same identity, the latest."""
    latest: dict[Identity, Upload] = {}
    for upload in uploads:
        known = latest.get(upload.identity)
        if known is None or sequence(known.sequencer) < sequence(upload.sequencer):
            latest[upload.identity] = upload
    return list(latest.values())


def _batches(uploads: Sequence[Upload], size: int) -> Iterator[Sequence[Upload]]:
    return (uploads[start : start + size] for start in range(0, len(uploads), size))


def _record_result(record: Record, outcomes: Mapping[Identity, _Outcome]) -> RecordResult:
    if record.error:
        log.error("unknown event", extra={"record": record.id}, exc_info=record.error)
    all_outcomes = [outcomes[upload.identity] for upload in record.uploads]
    its_own = _of_task(all_outcomes) if record.is_task else all_outcomes
    texts = [outcome.result.key if isinstance(outcome, Stored) else str(outcome) for outcome in its_own]
    errors = [outcome for outcome in its_own if isinstance(outcome, Exception) and _is_failure(outcome, record)]
    text = "; ".join([str(record.error), *texts] if record.error else texts)
    return RecordResult(record.id, text, next(iter(errors), record.error))


def _of_task(outcomes: Sequence[_Outcome]) -> Sequence[_Outcome]:
    """The outcomes of the objects that a task may name, less those that do not exist, unless none does."""
    found = [outcome for outcome in outcomes if isinstance(outcome, Folder) or not isinstance(outcome, Gone)]
    return found or outcomes[:1]


def _is_failure(outcome: Exception, record: Record) -> bool:
    """Whether `outcome` must be reported: what was deleted needs no result, unless somebody asked for it."""
    return not isinstance(outcome, Gone) or (record.is_task and not isinstance(outcome, Folder))


def _log(upload: Upload, outcome: _Outcome) -> None:
    fields = {"bucket": upload.bucket, "key": upload.key, "version_id": upload.version_id}
    match outcome:
        case Stored(_, result):
            names = ("version_id", "request_id", "status", "label", "score", "known", "title")
            stored = {name: result.document[name] for name in names if name in result.document}
            log.info("result stored", extra=fields | stored)
        case Gone():
            log.info("upload is gone: %s", outcome, extra=fields | {"status": "gone"})
        case _:
            log.error("upload failed", extra=fields | {"status": "failed"}, exc_info=outcome)
