"""Where the work of a request is done: in a thread if others may come meanwhile, at once if nobody can."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from threading import Event, get_ident
from typing import Any, TypeVar

import pytest

from handler.api.predictor import ALONE, Recognition
from handler.inference.classifier import Classifier

Result = TypeVar("Result")


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """In an event loop of its own: `asyncio.run` would take away the one that Mangum uses."""
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(work)


@pytest.mark.parametrize("alone", [True, False])
def test_only_a_request_that_is_alone_does_without_a_thread(classifier: Classifier, alone: bool) -> None:
    async def request() -> int:
        ALONE.set(alone)
        return await Recognition(classifier, 1).in_thread(get_ident)

    assert (finished(request()) == get_ident()) == alone


def test_the_event_loop_goes_on_while_others_work(classifier: Classifier) -> None:
    recognition, go = Recognition(classifier, 1), Event()

    async def requests() -> bool:
        working = asyncio.create_task(recognition.in_thread(go.wait, 10))
        await asyncio.sleep(0)
        go.set()
        return await working

    assert finished(requests())


def test_what_a_request_sets_is_not_what_the_next_one_finds() -> None:
    async def request() -> bool:
        before = ALONE.get()
        ALONE.set(True)
        return before

    assert [finished(request()) for _ in range(2)] == [False, False]
