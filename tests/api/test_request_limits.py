"""Limits on request bodies: how many at once, their bytes in total, and the time they take."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from handler.api.framework import respond_with_problem
from handler.api.middleware.request_limits import Limits, RequestLimits
from handler.api.problems import HttpError
from tests.support.event_loops import finished

WIDE = Limits(bytes_at_once=10**9, bodies_at_once=100, stall_seconds=60, stall_bytes=10, body_seconds=60)
Send = Callable[[AsyncClient], Coroutine[Any, Any, list[Response]]]


async def _read(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _limited(limits: Limits) -> RequestLimits:
    routes = [Route("/", _read, methods=["GET", "POST"])]
    return RequestLimits(Starlette(routes=routes, exception_handlers={HttpError: respond_with_problem}), limits)


def _sent(app: RequestLimits, send: Send) -> list[Response]:
    async def run() -> list[Response]:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
            return await send(client)

    replies = finished(run())
    assert (app.bodies, app.bytes) == (0, 0)  # all is given back
    return replies


async def _parts(count: int, size: int, seconds: float = 0) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(seconds)
        yield bytes(size)


@pytest.mark.parametrize(
    ("limits", "parts", "status"),
    [
        pytest.param(WIDE, (20, 100, 0), 200, id="within all limits"),
        pytest.param(replace(WIDE, stall_seconds=0.05), (2, 100, 0.5), 408, id="a part too late"),
        pytest.param(replace(WIDE, stall_seconds=0.2), (6, 4, 0.1), 408, id="a trickle of parts"),
        pytest.param(replace(WIDE, stall_seconds=1), (15, 10, 0.1), 200, id="slow, but fast enough"),
        pytest.param(replace(WIDE, body_seconds=0.3), (10, 100, 0.1), 408, id="too long as a whole"),
        pytest.param(replace(WIDE, bytes_at_once=1000), (10, 100, 0), 200, id="as many bytes as all may have"),
        pytest.param(replace(WIDE, bytes_at_once=1000), (11, 100, 0), 503, id="more bytes than all may have"),
    ],
)
def test_body_is_read_within_the_limits(limits: Limits, parts: tuple[int, int, float], status: int) -> None:
    async def send(client: AsyncClient) -> list[Response]:
        return [await client.post("/", content=_parts(*parts))]

    (reply,) = _sent(_limited(limits), send)
    assert reply.status_code == status


def test_slow_body_closes_the_connection() -> None:
    async def send(client: AsyncClient) -> list[Response]:
        return [await client.post("/", content=_parts(2, 100, 0.5))]

    (reply,) = _sent(_limited(replace(WIDE, stall_seconds=0.05)), send)
    assert (reply.status_code, reply.headers["connection"]) == (408, "close")


@pytest.mark.parametrize(
    ("limits", "parts", "taken"),
    [
        pytest.param(WIDE, (20, 100, 0.01), 20, id="all"),
        pytest.param(replace(WIDE, discard_stall_seconds=0.1), (2, 100, 0.5), 0, id="until it stalls"),
        pytest.param(replace(WIDE, discard_seconds=0.3), (1_000, 100, 0.1), 2, id="for a while"),
    ],
)
def test_unread_body_is_discarded_before_the_connection_is_closed(
    limits: Limits, parts: tuple[int, int, float], taken: int
) -> None:
    sent = []

    async def body() -> AsyncIterator[bytes]:
        async for part in _parts(*parts):
            sent.append(part)
            yield part

    async def send(client: AsyncClient) -> list[Response]:
        return [await client.post("/none", content=body(), headers={"Connection": "close"})]

    (reply,) = _sent(_limited(limits), send)
    assert (reply.status_code, reply.text) == (404, "Not Found")
    assert len(sent) == pytest.approx(taken, abs=1)


def test_bodies_beyond_the_limit_are_to_be_sent_again() -> None:
    async def send(client: AsyncClient) -> list[Response]:
        slow = [asyncio.create_task(client.post("/", content=_parts(2, 100, 0.3))) for _ in range(2)]
        await asyncio.sleep(0.1)
        refused, without_body = await client.post("/", content=b"x"), await client.get("/")
        return [refused, without_body, *(await asyncio.gather(*slow)), await client.post("/", content=b"x")]

    refused, *answered = _sent(_limited(replace(WIDE, bodies_at_once=2)), send)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert [reply.status_code for reply in answered] == [200] * 4


def test_bytes_of_all_bodies_count_together() -> None:
    async def send(client: AsyncClient) -> list[Response]:
        slow = asyncio.create_task(client.post("/", content=_parts(2, 400, 0.3)))
        await asyncio.sleep(0.4)  # it holds 400 bytes
        refused = await client.post("/", content=bytes(700))
        return [refused, await client.post("/", content=bytes(100)), await slow]

    replies = _sent(_limited(replace(WIDE, bytes_at_once=1000)), send)
    assert [reply.status_code for reply in replies] == [503, 200, 200]


def test_complete_body_may_take_long_to_be_answered() -> None:
    async def answer(request: Request) -> PlainTextResponse:
        await request.body()
        await asyncio.sleep(0.3)
        return PlainTextResponse(str(await request.is_disconnected()))

    async def send(client: AsyncClient) -> list[Response]:
        return [await client.post("/", content=b"x")]

    app = RequestLimits(
        Starlette(routes=[Route("/", answer, methods=["POST"])]), replace(WIDE, stall_seconds=0.1, body_seconds=0.1)
    )
    (reply,) = _sent(app, send)
    assert (reply.status_code, reply.text) == (200, "False")


def test_cancelled_request_is_not_reported_as_slow() -> None:
    async def run() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(60)
            return {}

        async def send(_: Any) -> None:
            raise AssertionError

        async def app(_: Any, receive: Any, __: Any) -> None:
            await receive()

        limits = RequestLimits(app, WIDE)
        task = asyncio.create_task(
            limits({"type": "http", "method": "POST", "http_version": "1.1", "headers": []}, receive, send)
        )
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (limits.bodies, limits.bytes) == (0, 0)

    finished(run())


def test_refusal_is_a_problem_of_the_app() -> None:
    """The app turns an HttpError into a problem document; see `handler.api.problems`."""

    async def run() -> None:
        async def app(_: Any, receive: Any, __: Any) -> None:
            await receive()

        async def nothing(*_: Any) -> Any:
            raise AssertionError

        with pytest.raises(HttpError) as refused:
            await RequestLimits(app, replace(WIDE, bodies_at_once=0))(
                {"type": "http", "method": "POST", "http_version": "1.1", "headers": []}, nothing, nothing
            )
        assert refused.value.status == 503

    finished(run())
