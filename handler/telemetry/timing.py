"""How long each step of a request takes: a step is measured where it happens, and told in the reply's headers."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

# Seconds by step, of the request at hand; none outside of requests, in the worker for instance.
_steps: ContextVar[dict[str, float] | None] = ContextVar("steps", default=None)


@contextmanager
def measured(step: str) -> Iterator[None]:
    """Adds the time that its block takes to `step`, here or in a thread that was started for the same request."""
    started = perf_counter()
    try:
        yield
    finally:
        steps = _steps.get()
        if steps is not None:
            steps[step] = steps.get(step, 0.0) + perf_counter() - started


def new_record() -> dict[str, float]:
    """An empty record, seconds by step, that `measured` fills from here on in this context."""
    steps: dict[str, float] = {}
    _steps.set(steps)
    return steps
