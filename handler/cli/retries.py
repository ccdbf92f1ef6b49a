"""When a request is sent again, and after which pause: urllib3's retries with jitter."""

import random
from typing import Final

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader

THROTTLED: Final = 429
RETRIED_STATUSES: Final = frozenset({THROTTLED, 500, 502, 503, 504})


class Backoff(Retry):
    """Pauses that double, each shortened by chance, so that senders that were refused together come back apart."""

    # `status_forcelist` alone decides: a 413 is final, whatever its headers say.
    RETRY_AFTER_STATUS_CODES: frozenset[int] = frozenset()

    def get_backoff_time(self) -> float:
        longest = min(self.backoff_max, self.backoff_factor * 2.0 ** max(0, len(self.history) - 1))
        return longest * random.uniform(0.5, 1)  # noqa: S311  no secret

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            seconds = super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):  # it is neither seconds nor a date: as if it were not there
            return None
        return None if seconds is None else seconds + self.backoff_factor * random.random()  # noqa: S311


def patient(first_pause_seconds: float) -> Backoff:
    """Half a minute for an endpoint that is busy or broken, less for one that cannot be reached."""
    return Backoff(
        total=6,
        connect=4,
        read=2,
        other=0,  # what TLS refuses, it refuses again
        allowed_methods=None,
        status_forcelist=RETRIED_STATUSES,
        raise_on_status=False,
        backoff_factor=first_pause_seconds,
        backoff_max=40 * first_pause_seconds,
        retry_after_max=60,
    )


def impatient(first_pause_seconds: float) -> Backoff:
    """For an endpoint that has just used up the patience of another request: only throttling is waited out."""
    return patient(first_pause_seconds).new(connect=0, read=0, status_forcelist={THROTTLED})
