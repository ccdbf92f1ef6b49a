"""Items in, results out in the same order, with several threads at work and a bounded number of results ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD: Final = 16  # items for each thread, so that a slow one does not soon stop the others
_POLL_SECONDS: Final = 0.1


def in_order(work: Callable[[Item], Result], items: Iterable[Item], jobs: int, stopped: Event) -> Iterator[Result]:
    """`work` of each item, by `jobs` threads; once `stopped` is set, only of those that are finished by then.

    Threads that are still at work when the caller stops are not waited for.
    """
    pool = ThreadPoolExecutor(jobs)
    coming = iter(items)
    ahead = deque(pool.submit(work, item) for item in islice(coming, _AHEAD * jobs))
    try:
        while ahead and _finished(ahead[0], stopped):
            yield ahead.popleft().result()
            ahead.extend(pool.submit(work, item) for item in islice(coming, 1))
        pool.shutdown(wait=False, cancel_futures=True)
        yield from [future.result() for future in ahead if future.done() and not future.cancelled()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(future: Future[Result], stopped: Event) -> bool:
    # Ctrl-C sets `stopped` but wakes nobody; on Windows it would not even be noticed in a wait without an end.
    while not (stopped.is_set() or future.done()):
        wait([future], timeout=_POLL_SECONDS)
    return not stopped.is_set()
