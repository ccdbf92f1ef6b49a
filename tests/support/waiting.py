"""Waits for what other processes do."""

import subprocess
import time
from collections.abc import Callable

import httpx2


def wait_until(condition: Callable[[], bool], trouble: Callable[[], str] = lambda: "it takes too long") -> None:
    """Look again and again for two minutes; then fail with the `trouble`."""
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up, trouble()
        time.sleep(0.02)


def wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: Callable[[], str] = lambda: "") -> None:
    """Wait for the `server` at `address`; if it ends or takes two minutes, fail with its `log`."""

    def is_healthy() -> bool:
        assert server.poll() is None, f"the server ended:\n{log()}"
        try:
            return httpx2.get(f"{address}/health", timeout=60).status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(is_healthy, lambda: f"the server does not answer:\n{log()}")
