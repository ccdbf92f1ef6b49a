"""Bound the pixels and the time of all images of one request or invocation; those beyond are to be sent again."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handler.errors import OutOfTime


class Budget:
    """Pixels and seconds that the images of one request or invocation share; for one thread at a time.

    `pixels` are those that the images declare, `work_seconds` the time that decoding them has really taken, and after
    `seconds` no further one is begun. The first image passes whatever its size, so that each image that is accepted
    alone is accepted in a batch.
    """

    def __init__(
        self,
        pixels: int,
        seconds: float,
        *,
        work_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pixels, self._work_seconds = pixels, work_seconds
        self._clock, self._deadline = clock, clock() + seconds
        self.spent = 0  # pixels so far
        self.worked = 0.0  # seconds so far

    @property
    def seconds_left(self) -> float:
        return self._deadline - self._clock()

    def spend(self, pixels: int, *, trusted: bool = True) -> None:  # noqa: ARG002  for subclasses
        """Take `pixels` for the next image, or nothing if it does not fit: a smaller one may. Raises OutOfTime.

        `trusted` is False if decoding the image may take more work than its pixels suggest.
        """
        if self.seconds_left <= 0 or self.worked >= self._work_seconds:
            raise OutOfTime("the time for this request was used up before this image; send it again")
        if self.spent and self.spent + pixels > self._pixels:
            raise OutOfTime(
                f"out of time: the images of one request may have {self._pixels:,} pixels together; "
                "send this one again in a smaller batch"
            )
        self.spent += pixels

    def give_back(self, pixels: int) -> None:
        """Return the pixels of an image that turned out to be broken."""
        self.spent -= pixels

    def charge(self, seconds: float) -> None:
        """Count the time that decoding an image has taken."""
        self.worked += seconds

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Charge the computing time that this thread takes within the block, also if it raises."""
        started = time.thread_time()
        try:
            yield
        finally:
            self.charge(time.thread_time() - started)
