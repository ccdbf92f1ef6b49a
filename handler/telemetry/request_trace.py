"""What one HTTP request did: seconds by step, and the outcome of each image.

The predictor and the S3 client record; the telemetry middleware starts a trace and reads it when the request ends.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter

from handler.contract import Classification
from handler.errors import RejectedImage

Outcome = Classification | RejectedImage


@dataclass
class RequestTrace:
    """Spans (seconds by name) and outcomes (one for each image that was decoded, or could not be)."""

    spans: dict[str, float] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Add the duration of the block to the span `name`."""
        started = perf_counter()
        try:
            yield
        finally:
            self.spans[name] = self.spans.get(name, 0.0) + perf_counter() - started

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Add the outcomes of images; errors of the request, such as wrong base64, are none."""
        self.outcomes += outcomes


_current: ContextVar[RequestTrace | None] = ContextVar("request_trace", default=None)


def start_trace() -> RequestTrace:
    """A new trace for this context, and for the threads that work for it."""
    trace = RequestTrace()
    _current.set(trace)
    return trace


def current_trace() -> RequestTrace:
    """The trace of the current request; outside of requests, one that nobody reads."""
    return _current.get() or RequestTrace()
