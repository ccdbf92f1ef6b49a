"""Slow and numerous clients of a real server: stalled heads, bodies and readers, shutdown, and their memory."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest

from handler.serving.connections import BoundedConnection
from tests.support.machine import PROJECT, free_port
from tests.support.threaded_server import threaded_server
from tests.support.waiting import wait_until, wait_until_healthy

HEAD = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19000000\r\n\r\n"
LARGE = bytes(20_000_000)  # more than the kernel's buffers hold


class ImpatientConnection(BoundedConnection):
    """As in production, but within fractions of a second, and of fewer connections."""

    check_seconds: ClassVar[float] = 0.3
    max_connections: ClassVar[int] = 8


async def _app(scope: Any, _: Any, send: Any) -> None:
    """Responds with many bytes at /large, and with none elsewhere."""
    if scope["type"] == "http":
        body = LARGE if scope["path"] == "/large" else b""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def impatient() -> Iterator[tuple[str, int]]:
    """The address of an impatient server in this process."""
    with threaded_server(_app, ImpatientConnection) as address:
        yield address


def _read_to_end(connection: socket.socket) -> bytes:
    """All bytes until the server closes the connection."""
    connection.settimeout(20)
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def _problem(reply: bytes) -> dict[str, Any]:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"x-content-type-options: nosniff\r\n" in head
    assert b"cache-control: no-store\r\n" in head
    problem: dict[str, Any] = json.loads(body)
    return problem


def test_stalled_head_is_408(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert _problem(_read_to_end(connection))["status"] == 408


def test_silent_connection_is_closed(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient) as connection:
        assert _read_to_end(connection) == b""


def test_trickled_head_of_a_second_request_is_closed(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient) as connection, pytest.raises(OSError, match=r"."):  # noqa: PT012
        connection.settimeout(20)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nx:")
        for _ in range(100):
            time.sleep(0.1)
            connection.sendall(b"x")


def test_invalid_http_is_a_problem(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient) as connection:
        connection.sendall(b"hello\r\n\r\n")
        assert _problem(_read_to_end(connection))["status"] == 400


def test_reader_that_stalls_is_cut_off(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        time.sleep(1.5)  # several checks
        assert len(_read_to_end(connection)) < len(LARGE)  # what the kernel's buffers held


def test_slow_reader_gets_everything(impatient: tuple[str, int]) -> None:
    received = 0
    with socket.create_connection(impatient) as connection:
        connection.settimeout(20)
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while part := connection.recv(1_000_000):
            received += len(part)
            time.sleep(0.05)
    assert received > len(LARGE)


def test_connection_beyond_the_limit_is_503(impatient: tuple[str, int]) -> None:
    with ExitStack() as open_connections:
        connections = [open_connections.enter_context(socket.create_connection(impatient)) for _ in range(9)]
        assert _problem(_read_to_end(connections[-1]))["status"] == 503


@contextmanager
def _serving(log_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`serve` in a process of its own, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "handler", "serve", "--port", str(port)]
    with log_path.open("w") as log, subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log) as process:
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process, log_path.read_text)
            yield process, port
        finally:
            process.kill()


def _resident_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _stall(port: int) -> socket.socket:
    """Send most of a body, or as much as the server takes."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(5)
    try:
        connection.sendall(HEAD + bytes(18_900_000))
    except OSError:
        return connection  # refused meanwhile
    return connection


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
def test_stalled_uploads_hold_little_and_let_the_server_stop(tmp_path: Path) -> None:
    log_path = tmp_path / "log.txt"
    with _serving(log_path) as (process, port), ExitStack() as uploads:
        at_rest = _resident_mb(process)
        for _ in range(60):
            uploads.enter_context(_stall(port))
        assert httpx2.get(f"http://127.0.0.1:{port}/health", timeout=20).status_code == 200
        assert _resident_mb(process) - at_rest < 300
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert "Traceback" not in log_path.read_text()


@pytest.mark.slow
def test_stalled_body_is_408(tmp_path: Path) -> None:
    with _serving(tmp_path / "log.txt") as (_, port), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD + b"the first bytes")
        assert _problem(_read_to_end(connection))["title"] == "Request Timeout"


@pytest.mark.slow
def test_request_in_progress_is_answered_before_the_server_stops(tmp_path: Path, png: bytes) -> None:
    with _serving(tmp_path / "log.txt") as (process, port):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(png))
            connection.sendall(png[:-1])
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: "Shutting down" in (tmp_path / "log.txt").read_text())
            connection.sendall(png[-1:])
            assert _read_to_end(connection).startswith(b"HTTP/1.1 200 ")
        process.wait(timeout=30)
