"""Store the results of a batch, several at once, then tag and publish them; what hangs is delivered again."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from handler.contract import ModelCard
from handler.errors import OutOfTime
from handler.inference.budget import Budget
from handler.settings import Settings
from handler.worker.notifications import EventPublisher, ObjectTags
from handler.worker.results import ObjectOutcome, Result, Results, result_of

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

# Storing may take so long beyond the budget, and publishing again; timeouts and retries of a client may take longer.
_EXTRA_SECONDS: Final = 2

_T = TypeVar("_T")


@dataclass(frozen=True)
class Stored:
    """A finished upload: its outcome, and the result that is stored now."""

    classified: ObjectOutcome
    result: Result


class Storage:
    """The results bucket and, if `settings` ask for them, the objects' tags and the event bus."""

    def __init__(
        self, s3: "S3Client", card: ModelCard, settings: Settings, events: "EventBridgeClient | None" = None
    ) -> None:
        self._card, self._concurrency = card, settings.downloads_at_once
        self._results = Results(s3, settings.results_bucket)
        self._tags = ObjectTags(s3) if settings.tag_objects else None
        self._publisher = EventPublisher(events, settings.event_bus, settings.results_bucket) if events else None

    def store_each(self, classified: Sequence[ObjectOutcome], budget: Budget) -> list[Stored | Exception]:
        """For each object what is stored, or the error because of which it must be delivered again."""
        outcomes = _in_time([partial(self._store, each) for each in classified], self._concurrency, budget)
        if self._publisher is None:
            return outcomes
        stored = [each for each in outcomes if isinstance(each, Stored)]
        publish = partial(self._publisher.publish, [each.result for each in stored])
        (errors,) = _in_time([publish], 1, budget)
        found = iter([errors] * len(stored) if isinstance(errors, Exception) else errors)
        return [next(found) or each if isinstance(each, Stored) else each for each in outcomes]

    def _store(self, classified: ObjectOutcome) -> Stored | Exception:
        try:
            result = self._results.store(result_of(classified, self._card))
            if self._tags:
                self._tags.put(result)
        except Exception as error:
            return error
        return Stored(classified, result)


def _in_time(jobs: Sequence[Callable[[], _T]], threads: int, budget: Budget) -> list[_T | Exception]:
    """What each of `jobs` returns, or OutOfTime; its thread may finish it later, which does no harm."""
    pool = ThreadPoolExecutor(threads)
    futures = [pool.submit(job) for job in jobs]  # `pool.map` would cancel some on a crash
    seconds = max(budget.seconds_left, 0) + _EXTRA_SECONDS
    done, late = wait(futures, min(seconds, threading.TIMEOUT_MAX))
    pool.shutdown(wait=not late, cancel_futures=True)
    return [future.result() if future in done else OutOfTime("storing the result took too long") for future in futures]
