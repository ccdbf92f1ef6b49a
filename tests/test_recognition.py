"""Where the work of a request is done: in a thread if others may come meanwhile, at once if nobody can."""

import asyncio
from threading import Event, get_ident

import pytest

from handler.classifier import Classifier
from handler.recognition import ALONE, Recognition


@pytest.mark.parametrize("alone", [True, False])
def test_only_a_request_that_is_alone_does_without_a_thread(classifier: Classifier, alone: bool) -> None:
    async def request() -> int:
        ALONE.set(alone)
        return await Recognition(classifier, 1).in_thread(get_ident)

    assert (asyncio.run(request()) == get_ident()) == alone


def test_the_event_loop_goes_on_while_others_work(classifier: Classifier) -> None:
    recognition, go = Recognition(classifier, 1), Event()

    async def requests() -> bool:
        working = asyncio.create_task(recognition.in_thread(go.wait, 10))
        await asyncio.sleep(0)
        go.set()
        return await working

    assert asyncio.run(requests())


def test_what_a_request_sets_is_not_what_the_next_one_finds() -> None:
    async def request() -> bool:
        before = ALONE.get()
        ALONE.set(True)
        return before

    assert [asyncio.run(request()) for _ in range(2)] == [False, False]
