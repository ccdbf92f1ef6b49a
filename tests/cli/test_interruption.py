"""Ctrl-C and SIGTERM stop `classify`: finished results are printed, the rest is abandoned."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from subprocess import PIPE
from termios import FIONREAD
from threading import Event

import pytest
from starlette.testclient import TestClient

from handler.cli.parallel import in_order
from tests.support.command_line import start
from tests.support.scripted_server import Reply, Script, Sent, scripted
from tests.support.waiting import wait_until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="inspects the process in /proc")
FILES = 50
ANSWERED = 3


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    for i in range(FILES):
        (tmp_path / f"{i:02}.png").write_bytes(png)
    return tmp_path


@pytest.fixture
def slow_server(client: TestClient, png: bytes) -> Iterator[str]:
    """A server that answers a few requests, and delays the others until the test ends."""
    expected = client.post("/classify", content=png).content
    ended = Event()

    def script(_: Sent, before: int) -> Reply:
        if before >= ANSWERED:
            ended.wait(60)
        return Reply(200, expected)

    with scripted(script) as (_, address):
        yield address
        ended.set()


@pytest.mark.parametrize(
    ("number", "status"),
    [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")],
)
def test_signal_keeps_finished_results(folder: Path, slow_server: str, number: int, status: int) -> None:
    arguments = (".", "--json", "--jobs", "1", "--endpoint", slow_server)
    with start(*arguments, cwd=folder, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(ANSWERED)]
        started = time.monotonic()
        process.send_signal(number)
        rest, messages = process.communicate(timeout=60)
    assert (process.returncode, rest) == (status, b"")
    assert [json.loads(line)["path"] for line in lines] == ["00.png", "01.png", "02.png"]
    assert messages.decode() == f"interrupted: {ANSWERED} of {FILES} files are done\n"
    assert time.monotonic() - started < 30, "it waited for the endpoint"


def test_signal_ends_the_pause_before_a_retry(folder: Path) -> None:
    busy: Script = lambda *_: Reply(503, headers={"retry-after": "60"})  # noqa: E731  mypy checks its annotation
    with (
        scripted(busy) as (server, address),
        start("00.png", "01.png", "--endpoint", address, cwd=folder, stderr=PIPE) as process,
    ):
        wait_until(lambda: len(server.sent) == 2)
        process.send_signal(signal.SIGINT)
        messages = process.communicate(timeout=60)[1]
    assert (process.returncode, messages) == (130, b"interrupted: 0 of 2 files are done\n")


def test_results_finished_out_of_order_are_kept() -> None:
    stopped, go_on = Event(), Event()

    def work(item: int) -> int:
        if item == 3:  # the other thread has finished 1 and 2 by now
            stopped.set()
        if item in (0, 3):
            go_on.wait(60)
        return item

    assert list(in_order(work, range(1000), 2, stopped)) == [1, 2]
    go_on.set()


def test_number_of_items_taken_ahead_is_limited() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for i in range(100_000):
            taken.append(i)
            yield i

    results = in_order(lambda item: item, items(), 2, Event())
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) < 100


@LINUX
def test_second_ctrl_c_ends_the_process_at_once(folder: Path) -> None:
    """The first one cannot end it here, because the pipe that it writes to is full."""
    long_line = "./" * 3000 + "00.png"
    with start(long_line, ".", "--json", cwd=folder, stdout=PIPE, stderr=PIPE, pipesize=4096) as process:
        wait_until(lambda: waiting_bytes(process) == 4096)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: not is_caught(signal.SIGINT, process))
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == -signal.SIGINT


@LINUX
def test_ctrl_c_before_the_first_file_prints_no_traceback(folder: Path) -> None:
    """Listing that many folders takes long enough to be interrupted."""
    with start(*["."] * 20_000, cwd=folder, stdout=PIPE, stderr=PIPE) as process:
        wait_until(lambda: "onnxruntime" in Path(f"/proc/{process.pid}/maps").read_text())
        process.send_signal(signal.SIGINT)
        printed, messages = process.communicate(timeout=60)
    assert (process.returncode, printed, messages) == (130, b"", b"interrupted\n")


def waiting_bytes(process: subprocess.Popen[bytes]) -> int:
    """The number of unread bytes in the pipe from its standard output."""
    assert process.stdout
    count = bytearray(4)
    ioctl(process.stdout, FIONREAD, count)
    return int.from_bytes(count, "little")


def is_caught(number: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether the process handles this signal itself."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
