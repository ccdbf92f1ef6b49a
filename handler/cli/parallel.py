"""Map a function over items with threads, in order, with a limited number of results waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD: Final = 16  # items queued per thread, so that one slow item does not soon stop the other threads
_POLL_SECONDS: Final = 0.1


def in_order(work: Callable[[Item], Result], items: Iterable[Item], jobs: int, stopped: Event) -> Iterator[Result]:
    """Yield `work(item)` for each item, computed by `jobs` threads; once `stopped` is set, only finished ones.

    Threads that are still busy when the caller stops are not awaited.
    """
    pool = ThreadPoolExecutor(jobs)
    remaining = iter(items)
    ahead = deque(pool.submit(work, item) for item in islice(remaining, _AHEAD * jobs))
    try:
        while ahead and _finished(ahead[0], stopped):
            yield ahead.popleft().result()
            ahead.extend(pool.submit(work, item) for item in islice(remaining, 1))
        pool.shutdown(wait=False, cancel_futures=True)
        yield from [future.result() for future in ahead if future.done() and not future.cancelled()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(future: Future[Result], stopped: Event) -> bool:
    # Ctrl-C sets `stopped` without ending a wait, so poll; on Windows an endless wait would not even see the signal.
    while not (stopped.is_set() or future.done()):
        wait([future], timeout=_POLL_SECONDS)
    return not stopped.is_set()
