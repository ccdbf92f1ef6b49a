"""Retry policy: exponential backoff with jitter, on top of urllib3's `Retry`."""

import random
from typing import Final

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader

THROTTLED: Final = 429
RETRIED_STATUSES: Final = frozenset({THROTTLED, 500, 502, 503, 504})


class Backoff(Retry):
    """Exponential backoff with jitter, so that clients throttled together do not retry together."""

    # Only `status_forcelist` decides: a 413 is final, even with a Retry-After header.
    RETRY_AFTER_STATUS_CODES: frozenset[int] = frozenset()

    def get_backoff_time(self) -> float:
        longest = min(self.backoff_max, self.backoff_factor * 2.0 ** max(0, len(self.history) - 1))
        return longest * random.uniform(0.5, 1)  # noqa: S311  not for security

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            seconds = super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):  # neither seconds nor a date: ignore the header
            return None
        return None if seconds is None else seconds + self.backoff_factor * random.random()  # noqa: S311


def patient(first_pause_seconds: float) -> Backoff:
    """Retry a busy or failing endpoint for about half a minute, an unreachable one for less."""
    return Backoff(
        total=6,
        connect=4,
        read=2,
        other=0,  # TLS errors are permanent
        allowed_methods=None,
        status_forcelist=RETRIED_STATUSES,
        raise_on_status=False,
        backoff_factor=first_pause_seconds,
        backoff_max=40 * first_pause_seconds,
        retry_after_max=60,
    )


def first_contact(first_pause_seconds: float) -> Backoff:
    """Retry to connect only once before the endpoint was ever reached: its address may be wrong, or it is down."""
    return patient(first_pause_seconds).new(connect=1)


def impatient(first_pause_seconds: float) -> Backoff:
    """Retry only throttled requests: for an endpoint that has just failed despite all retries of another request."""
    return patient(first_pause_seconds).new(connect=0, read=0, status_forcelist={THROTTLED})
