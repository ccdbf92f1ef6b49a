"""Run a coroutine to its end, and a client that waits for its response or has gone, for tests without a server."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """Run in a new event loop, and end what it left: `asyncio.run` would remove the loop that Mangum uses."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


def client(*, gone: bool = False) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def is_gone() -> bool:
        return gone

    return is_gone
