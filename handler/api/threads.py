"""Bulkheads of threads: requests with expensive images get threads of their own, so that others do not wait for them.

Requests with small bodies begin among the others; one that turns out to be expensive starts again in these threads.
"""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from anyio import CapacityLimiter, WouldBlock, fail_after, from_thread, to_thread

from handler.api.requests.body import GONE, IsGone
from handler.errors import BadRequest, OutOfMemory, OutOfTime
from handler.inference.budget import Budget
from handler.inference.pipeline import is_memory_short

Result = TypeVar("Result")

CHEAP_BYTES: Final = 5_000_000  # of a body; parsing and decoding take up to 30 ns a byte
CHEAP_PIXELS: Final = 13_000_000  # of all images of a request
CHEAP_SECONDS: Final = 0.2  # of decoding them


class Threads:
    """Runs work with a budget of `pixels`, `seconds` and, for expensive images, `work_seconds`; in threads."""

    def __init__(self, pixels: int, seconds: float, work_seconds: float) -> None:
        self._pixels, self._seconds, self._work_seconds = pixels, seconds, work_seconds
        # More images at once than there are processors would be no faster, and each takes memory.
        processors = os.cpu_count() or 1
        self._cheap, self._expensive = CapacityLimiter(processors), CapacityLimiter(max(1, processors - 1))
        self._threads = CapacityLimiter(math.inf)

    async def run(self, is_gone: IsGone, body_bytes: int, work: Callable[[Budget], Result]) -> Result:
        """Call `work` with a budget. Raises as `Bulkheads.run` does."""
        cheap = _CheapImages(self._pixels, self._seconds)
        if body_bytes <= CHEAP_BYTES:
            with suppress(_ExpensiveImageError):
                return await self._run_in(self._cheap, is_gone, cheap, lambda: work(cheap))
        others = _ImagesOfClient(self._pixels, cheap.seconds_left, self._work_seconds, is_gone)
        return await self._run_in(self._expensive, is_gone, others, lambda: work(others))

    async def _run_in(
        self, slots: CapacityLimiter, is_gone: IsGone, budget: Budget, work: Callable[[], Result]
    ) -> Result:
        has_waited = await _take(slots, budget.seconds_left)
        try:
            # Asking takes as long as a small image; a client whose body has just arrived was there a moment ago.
            if (has_waited or slots is self._expensive) and await is_gone():
                raise BadRequest(GONE)
            return await to_thread.run_sync(work, limiter=self._threads)
        except RuntimeError as error:
            if not is_memory_short(error):
                raise
            raise OutOfMemory("too little memory is free now; send the request again later") from error
        finally:
            slots.release()


async def _take(slots: CapacityLimiter, seconds: float) -> bool:
    """Whether others had to be waited for. Raises OutOfTime after so many seconds."""
    try:
        slots.acquire_nowait()
        return False
    except WouldBlock:
        pass
    try:
        with fail_after(seconds):
            await slots.acquire()
    except TimeoutError as error:
        raise OutOfTime("out of time: others are being served; send the request again") from error
    return True


class _ExpensiveImageError(Exception):
    """The request's images are too expensive for the threads that it began in."""


class _CheapImages(Budget):
    """The budget of a request among others: it ends where the images become expensive."""

    def spend(self, pixels: int, *, trusted: bool = True) -> None:
        super().spend(pixels, trusted=trusted)
        if not trusted or self.spent > CHEAP_PIXELS or self.worked > CHEAP_SECONDS:
            raise _ExpensiveImageError


class _ImagesOfClient(Budget):
    """The budget of a request with expensive images: none is begun after the client has gone."""

    def __init__(self, pixels: int, seconds: float, work_seconds: float, is_gone: IsGone) -> None:
        super().__init__(pixels, seconds, work_seconds=work_seconds)
        self._is_gone = is_gone

    def spend(self, pixels: int, *, trusted: bool = True) -> None:
        if from_thread.run(self._is_gone):
            raise OutOfTime("the client has gone")
        super().spend(pixels, trusted=trusted)
