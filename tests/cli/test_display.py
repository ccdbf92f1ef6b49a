"""`classify` on a real terminal: a progress bar for who waits, and lines that it does not garble."""

import os
import subprocess
import sys
import termios
from pathlib import Path
from threading import Thread

import pytest

from tests.support.command_line import ENVIRONMENT, classify, command

WITHOUT_TQDM = (
    "import runpy, sys; sys.modules['tqdm'] = None; runpy.run_module('handler', run_name='__main__', alter_sys=True)"
)


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(png)
    (tmp_path / "text.png").write_bytes(b"hello")
    return tmp_path


def on_terminal(arguments: list[str], cwd: Path, stdout: int | None = None) -> tuple[str, bytes]:
    """What the terminal received, and what went to `stdout` where that is not the terminal."""
    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (24, 100))
    received: list[bytes] = []
    reader = Thread(target=_read_all, args=(terminal, received))
    with subprocess.Popen(
        arguments, cwd=cwd, env=ENVIRONMENT, stdout=end if stdout is None else stdout, stderr=end
    ) as process:
        os.close(end)
        reader.start()
        printed, _ = process.communicate(timeout=60)
    reader.join()
    os.close(terminal)
    return b"".join(received).decode().replace("\r\n", "\n"), printed


def _read_all(terminal: int, received: list[bytes]) -> None:
    try:
        while chunk := os.read(terminal, 4096):
            received.append(chunk)
    except OSError:
        """On Linux this is how a terminal ends whose other end is closed."""


def seen(received: str) -> list[str]:
    """The lines that stay on the screen: a carriage return starts one anew."""
    return [line.rpartition("\r")[2] for line in received.removesuffix("\n").split("\n")]


def test_a_progress_bar_counts_the_files_and_leaves_the_lines_whole(folder: Path) -> None:
    received, _ = on_terminal(command("."), folder)
    bars = [part for part in received.split("\r") if "%|" in part]
    assert "0/4" in bars[0]
    assert "4/4" in bars[-1]
    plain = classify(".", cwd=folder)
    *lines, problem, summary = seen(received)
    assert lines == plain.stdout.splitlines()
    assert problem == plain.stderr.splitlines()[0]
    assert summary.startswith("3 classified (0 of them unknown), 1 failed, in ")


def test_results_that_go_elsewhere_have_no_bar_in_them(folder: Path) -> None:
    received, printed = on_terminal(command(".", "--json"), folder, stdout=subprocess.PIPE)
    assert "0/4" in received
    assert printed.decode() == classify(".", "--json", cwd=folder).stdout


def test_one_file_needs_no_bar(folder: Path) -> None:
    received, _ = on_terminal(command("a.png"), folder)
    assert received == classify("a.png", cwd=folder).stdout


def test_without_tqdm_there_is_no_bar_and_all_else_is_the_same(folder: Path) -> None:
    received, _ = on_terminal([sys.executable, "-c", WITHOUT_TQDM, "classify", "a.png", "b.png"], folder)
    assert "%|" not in received
    assert received.splitlines()[:-1] == classify("a.png", "b.png", cwd=folder).stdout.splitlines()
