"""Wait for conditions and servers in other processes."""

import subprocess
import time
from collections.abc import Callable

import httpx2


def wait_until(condition: Callable[[], bool], message: Callable[[], str] = lambda: "timed out") -> None:
    """Poll `condition` for up to two minutes; then fail with `message`."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, message()
        time.sleep(0.02)


def wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: Callable[[], str] = lambda: "") -> None:
    """Wait until `server` answers at `address`; fail with its `log` if it exits or takes two minutes."""

    def is_healthy() -> bool:
        assert server.poll() is None, f"the server exited:\n{log()}"
        try:
            return httpx2.get(f"{address}/health", timeout=60).status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(is_healthy, lambda: f"the server does not answer:\n{log()}")
