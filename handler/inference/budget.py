"""Bound the pixels and the time of all images of one request or invocation; those beyond are to be sent again."""

import time
from collections.abc import Callable
from typing import Final

from handler.errors import OutOfTime

# Decoding takes up to 16 ns a pixel; an image that takes far longer than its header lets expect counts as a larger one.
PIXELS_PER_SECOND: Final = 100_000_000


class Budget:
    """Pixels and seconds that the images of one request or invocation share; for one thread at a time.

    The first image passes whatever its size, so that each image that is accepted alone is accepted in a batch.
    """

    def __init__(self, pixels: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pixels, self._spent = pixels, 0
        self._clock, self._deadline = clock, clock() + seconds

    @property
    def seconds_left(self) -> float:
        return self._deadline - self._clock()

    @property
    def spent(self) -> int:
        """Pixels of the images so far."""
        return self._spent

    def spend(self, pixels: int, *, trusted: bool = True) -> None:  # noqa: ARG002  for subclasses
        """Take `pixels` for the next image, or nothing if it does not fit: a smaller one may. Raises OutOfTime.

        `trusted` is False if decoding the image may take more work than its pixels let expect.
        """
        if self.seconds_left <= 0:
            raise OutOfTime("the time for this request was used up before this image; send it again")
        if self._spent and self._spent + pixels > self._pixels:
            raise OutOfTime(
                f"out of time: the images of one request may have {self._pixels:,} pixels together; "
                "send this one again in a smaller batch"
            )
        self._spent += max(1, pixels)

    def give_back(self, pixels: int) -> None:
        """Of an image that turned out to be none."""
        self._spent -= pixels

    def charge(self, seconds: float, pixels: int) -> None:
        """Count an image of `pixels`, spent already, as one of the size that takes so many seconds of work."""
        self._spent += max(0, int(seconds * PIXELS_PER_SECOND) - pixels)
