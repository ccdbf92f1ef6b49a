"""What was recognised during a request: noted where it happens, in any thread; read where the request ends."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from handler.errors import RejectedImage


@dataclass(frozen=True)
class Sighting:
    """The likeliest class of one picture, and whether the picture shows any of the classes at all."""

    label: str
    score: float
    known: bool


Noted = Sighting | type[RejectedImage]

# Of the request at hand; none outside of requests, in the worker for instance.
_noted: ContextVar[list[Noted] | None] = ContextVar("noted", default=None)


def note(sightings: Iterable[Sighting]) -> None:
    noted = _noted.get()
    if noted is not None:
        noted.extend(sightings)


@contextmanager
def rejection_noted() -> Iterator[None]:
    """Notes the kind of a rejection that its block raises."""
    try:
        yield
    except RejectedImage as error:
        noted = _noted.get()
        if noted is not None:
            noted.append(type(error))  # the error itself would hold on to the picture, by its traceback
        raise


def new_notes() -> list[Noted]:
    """An empty list that is filled from here on in this context."""
    noted: list[Noted] = []
    _noted.set(noted)
    return noted
