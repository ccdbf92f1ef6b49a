"""Bulkheads: requests with expensive images get threads of their own, so that others do not wait for them.

All begin among the others. A request that turns out to be expensive is begun anew in the threads for these.
"""

import math
import os
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, WouldBlock, fail_after, from_thread, to_thread
from starlette.requests import ClientDisconnect

from handler.errors import OutOfMemory, OutOfTime
from handler.inference.budget import Budget
from handler.inference.pipeline import is_memory_short

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

IsGone = Callable[[], Coroutine[Any, Any, bool]]  # whether the client has closed its connection

CHEAP_PIXELS: Final = 16_000_000  # of all images of a request
CHEAP_SECONDS: Final = 0.2  # of decoding them
WORK_SECONDS: Final = 1.0  # of decoding all images of an expensive request, less the last one


class Bulkheads:
    """Runs work with a budget of `pixels` and `seconds`; with `offload`, in threads.

    On Lambda a process serves one request at a time, so that a thread would serve nobody, and starting one takes
    longer than classifying a small image.
    """

    def __init__(self, pixels: int, seconds: float, *, offload: bool) -> None:
        self._pixels, self._seconds, self._offload = pixels, seconds, offload
        # More images at once than there are processors would be no faster, and each takes memory.
        processors = os.cpu_count() or 1
        self._cheap, self._expensive = CapacityLimiter(processors), CapacityLimiter(max(1, processors - 1))
        self._threads = CapacityLimiter(math.inf)

    async def run(
        self,
        is_gone: IsGone,
        work: Callable[Concatenate[Budget, Arguments], Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Call `work` with a budget and `arguments`, unless the client `is_gone`: then ClientDisconnect is raised.

        Raises OutOfTime if no thread was free in time.
        """
        if not self._offload:
            return work(Budget(self._pixels, self._seconds, work_seconds=WORK_SECONDS), *arguments, **named)
        cheap = _CheapImages(self._pixels, self._seconds)
        try:
            return await self._run_in(self._cheap, is_gone, cheap, lambda: work(cheap, *arguments, **named))
        except _ExpensiveImageError:
            others = _ImagesOfClient(self._pixels, cheap.seconds_left, is_gone)
            return await self._run_in(self._expensive, is_gone, others, lambda: work(others, *arguments, **named))

    async def _run_in(
        self, slots: CapacityLimiter, is_gone: IsGone, budget: Budget, work: Callable[[], Result]
    ) -> Result:
        await _take(slots, budget.seconds_left)
        try:
            if await is_gone():
                raise ClientDisconnect
            return await to_thread.run_sync(work, limiter=self._threads)
        except RuntimeError as error:
            if not is_memory_short(error):
                raise
            raise OutOfMemory("too little memory is free now; send the request again later") from error
        finally:
            slots.release()


async def _take(slots: CapacityLimiter, seconds: float) -> None:
    try:
        slots.acquire_nowait()
    except WouldBlock:
        try:
            with fail_after(seconds):
                await slots.acquire()
        except TimeoutError as error:
            raise OutOfTime("out of time: others are being served; send the request again") from error


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

    def __init__(self, pixels: int, seconds: float, is_gone: IsGone) -> None:
        super().__init__(pixels, seconds, work_seconds=WORK_SECONDS)
        self._is_gone = is_gone

    def spend(self, pixels: int, *, trusted: bool = True) -> None:
        if from_thread.run(self._is_gone):
            raise OutOfTime("the client has gone")
        super().spend(pixels, trusted=trusted)
