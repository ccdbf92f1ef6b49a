"""Bulkheads: expensive images do not keep others waiting, and nothing is begun for a client that has gone."""

import asyncio
from collections.abc import Callable
from threading import Event, get_ident

import pytest

from handler.api.bulkheads import SMALL_BYTES, SMALL_PIXELS, Bulkheads
from handler.api.threads import CHEAP_BYTES, CHEAP_PIXELS
from handler.contract import IMAGE_SIDE
from handler.errors import BadRequest, OutOfMemory, OutOfTime
from handler.inference.budget import Budget
from tests.support.event_loops import client, finished

LARGER = SMALL_BYTES + 1  # a body whose work goes to a thread
IMAGE = (IMAGE_SIDE**2, True)
MOST = [IMAGE] * (SMALL_PIXELS // IMAGE_SIDE**2)

# What makes a request expensive, as `spend` takes it
EXPENSIVE = [
    pytest.param([(CHEAP_PIXELS + 1, True)], id="one large image"),
    pytest.param([(CHEAP_PIXELS // 2, True)] * 3, id="several images"),
    pytest.param([(1, False)], id="an image that may hide work"),
]


def spending(*images: tuple[int, bool]) -> Callable[[Budget], str]:
    def work(budget: Budget) -> str:
        for pixels, trusted in images:
            budget.spend(pixels, trusted=trusted)
        return "done"

    return work


@pytest.mark.parametrize("images", [[(CHEAP_PIXELS, True)], *EXPENSIVE])
@pytest.mark.parametrize("offload", [True, False])
def test_work_of_any_cost_is_done(images: list[tuple[int, bool]], offload: bool) -> None:
    bulkheads = Bulkheads(10**9, 60, offload=offload)
    assert finished(bulkheads.run(client(), LARGER, spending(*images))) == "done"


@pytest.mark.parametrize("images", EXPENSIVE)
def test_cheap_request_is_served_while_expensive_ones_wait(images: list[tuple[int, bool]]) -> None:
    bulkheads, go = Bulkheads(10**9, 60, offload=True), Event()

    def expensive(budget: Budget) -> bool:
        spending(*images)(budget)
        return go.wait(30)

    async def requests() -> list[bool]:
        bombs = [asyncio.create_task(bulkheads.run(client(), LARGER, expensive)) for _ in range(100)]
        await asyncio.sleep(0)
        assert await bulkheads.run(client(), LARGER, spending((1, True))) == "done"
        assert not any(bomb.done() for bomb in bombs)
        go.set()
        return await asyncio.gather(*bombs)

    assert all(finished(requests()))


def test_request_with_a_large_body_waits_for_expensive_ones_alone() -> None:
    bulkheads, go = Bulkheads(10**9, 60, offload=True), Event()

    async def requests() -> None:
        bombs = [asyncio.create_task(bulkheads.run(client(), CHEAP_BYTES + 1, lambda _: go.wait(30))) for _ in range(9)]
        await asyncio.sleep(0)
        assert await bulkheads.run(client(), CHEAP_BYTES, spending()) == "done"
        go.set()
        await asyncio.gather(*bombs)

    finished(requests())


def test_request_that_gets_no_thread_in_time_is_out_of_time() -> None:
    bulkheads, go = Bulkheads(10**9, 0.1, offload=True), Event()

    async def requests() -> None:
        others = [asyncio.create_task(bulkheads.run(client(), LARGER, lambda _: go.wait(30))) for _ in range(100)]
        await asyncio.sleep(0)  # they take all threads
        with pytest.raises(OutOfTime):
            await bulkheads.run(client(), LARGER, spending())
        go.set()
        await asyncio.gather(*others, return_exceptions=True)

    finished(requests())


def test_nothing_is_begun_for_a_client_that_has_gone_while_it_waited() -> None:
    bulkheads, go = Bulkheads(10**9, 60, offload=True), Event()
    begun: list[Budget] = []

    async def requests() -> None:
        others = [asyncio.create_task(bulkheads.run(client(), LARGER, lambda _: go.wait(30))) for _ in range(100)]
        await asyncio.sleep(0)  # they take all threads
        waiting = asyncio.create_task(bulkheads.run(client(gone=True), LARGER, begun.append))
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(BadRequest):
            await waiting
        await asyncio.gather(*others)

    finished(requests())
    assert begun == []


def test_expensive_work_is_not_begun_for_a_client_that_has_gone() -> None:
    with pytest.raises(BadRequest):
        finished(Bulkheads(10**9, 60, offload=True).run(client(gone=True), LARGER, spending((1, False))))


def test_expensive_batch_ends_when_its_client_has_gone() -> None:
    """The client is asked for before the work is begun, and before each of the images."""
    answers = iter([False, False, True])
    passed = []

    async def is_gone() -> bool:
        return next(answers)

    def work(budget: Budget) -> None:
        for index in range(3):
            budget.spend(CHEAP_PIXELS + 1)
            passed.append(index)

    with pytest.raises(OutOfTime):
        finished(Bulkheads(10**9, 60, offload=True).run(is_gone, LARGER, work))
    assert passed == [0]


def test_thread_that_cannot_be_started_is_short_memory() -> None:
    def work(_: Budget) -> None:
        raise RuntimeError("can't start new thread")  # CPython's words

    with pytest.raises(OutOfMemory):
        finished(Bulkheads(1, 60, offload=True).run(client(), LARGER, work))


def test_other_error_of_the_work_is_raised_as_it_is() -> None:
    def work(_: Budget) -> None:
        raise RuntimeError("another")

    with pytest.raises(RuntimeError, match="another"):
        finished(Bulkheads(1, 60, offload=True).run(client(), LARGER, work))


@pytest.mark.parametrize(
    ("body_bytes", "images", "here"),
    [
        pytest.param(SMALL_BYTES, MOST, True, id="small"),
        pytest.param(SMALL_BYTES + 1, MOST, False, id="a larger body"),
        pytest.param(SMALL_BYTES, [(IMAGE[0] + 1, True)], False, id="a larger image"),
        pytest.param(SMALL_BYTES, [(1, True)], False, id="a smaller image, which all networks see as a photo"),
        pytest.param(SMALL_BYTES, [*MOST, IMAGE], False, id="images that are larger together"),
        pytest.param(SMALL_BYTES, [(IMAGE[0], False)], False, id="an image that may hide work"),
    ],
)
def test_only_small_work_is_done_in_the_event_loop(body_bytes: int, images: list[tuple[int, bool]], here: bool) -> None:
    def thread(budget: Budget) -> int:
        spending(*images)(budget)
        return get_ident()

    run = Bulkheads(10**9, 60, offload=True).run(client(), body_bytes, thread)
    assert (finished(run) == get_ident()) is here
