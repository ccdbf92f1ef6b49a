"""Decide where the work of a request is done: at once for few images of the model's size, in threads for all others."""

from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, Final, ParamSpec, TypeVar

from handler.api.requests.body import IsGone
from handler.contract import IMAGE_SIDE
from handler.inference.budget import Budget

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

SMALL_BYTES: Final = 8_192  # of a body: 784 pixels as JSON, or ten times a PNG of them
SMALL_PIXELS: Final = 4 * IMAGE_SIDE**2  # of all images of a request
WORK_SECONDS: Final = 1.0  # of decoding all images of an expensive request, less the last one


class Bulkheads:
    """Runs work with a budget of `pixels` and `seconds`; with `offload`, in threads unless it is small.

    The hand-over to a thread takes longer than classifying 28x28 pixels. An image of any other size than the model's,
    `image_pixels`, takes far longer, however small it is: it is a photo to the networks. On Lambda a process serves one
    request at a time, so that a thread would serve nobody.
    """

    def __init__(self, pixels: int, seconds: float, *, offload: bool, image_pixels: int = IMAGE_SIDE**2) -> None:
        self._pixels, self._seconds, self._image_pixels = pixels, seconds, image_pixels
        self._threads = None
        if offload:
            from handler.api.threads import Threads  # noqa: PLC0415  it imports anyio, which Lambda does without

            self._threads = Threads(pixels, seconds, WORK_SECONDS)

    async def run(
        self,
        is_gone: IsGone,
        body_bytes: int,
        work: Callable[Concatenate[Budget, Arguments], Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Call `work` with a budget and `arguments`.

        Raises OutOfTime if no thread was free in time, BadRequest if the client `is_gone` before the work was begun.
        """
        if self._threads is None:
            return work(Budget(self._pixels, self._seconds, work_seconds=WORK_SECONDS), *arguments, **named)
        if body_bytes <= SMALL_BYTES:
            with suppress(_LongerWorkError):
                return work(_SmallImages(self._pixels, self._seconds, self._image_pixels), *arguments, **named)
        return await self._threads.run(is_gone, body_bytes, lambda budget: work(budget, *arguments, **named))


class _LongerWorkError(Exception):
    """The request's images take too long to be classified in the event loop."""


class _SmallImages(Budget):
    """The budget of a request with a small body: it ends where an image is not of `image_pixels`, or one of many."""

    def __init__(self, pixels: int, seconds: float, image_pixels: int) -> None:
        super().__init__(pixels, seconds)
        self._image_pixels = image_pixels

    def spend(self, pixels: int, *, trusted: bool = True) -> None:
        super().spend(pixels, trusted=trusted)
        if not trusted or pixels != self._image_pixels or self.spent > SMALL_PIXELS:
            raise _LongerWorkError
