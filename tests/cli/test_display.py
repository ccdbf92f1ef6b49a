"""`classify` on a real terminal: the progress bar does not garble the lines."""

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
    """Run on a pseudo-terminal; return what it received, and what was written to `stdout` if that is a pipe."""
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
        """On Linux, reading from a terminal whose other end is closed fails."""


def visible_lines(received: str) -> list[str]:
    """The lines that stay on the screen: a carriage return overwrites the line."""
    return [line.rpartition("\r")[2] for line in received.removesuffix("\n").split("\n")]


def test_progress_bar_counts_files_and_keeps_lines_intact(folder: Path) -> None:
    received, _ = on_terminal(command("."), folder)
    bars = [part for part in received.split("\r") if "%|" in part]
    assert "0/4" in bars[0]
    assert "4/4" in bars[-1]
    plain = classify(".", cwd=folder)
    *lines, error, summary = visible_lines(received)
    assert lines == plain.stdout.splitlines()
    assert error == plain.stderr.splitlines()[0]
    assert summary.startswith("3 classified (0 of them unknown), 1 failed, in ")


def test_results_in_a_pipe_contain_no_progress_bar(folder: Path) -> None:
    received, printed = on_terminal(command(".", "--json"), folder, stdout=subprocess.PIPE)
    assert "0/4" in received
    assert printed.decode() == classify(".", "--json", cwd=folder).stdout


def test_one_file_shows_no_progress_bar(folder: Path) -> None:
    received, _ = on_terminal(command("a.png"), folder)
    assert received == classify("a.png", cwd=folder).stdout


def test_without_tqdm_results_are_the_same_without_a_bar(folder: Path) -> None:
    received, _ = on_terminal([sys.executable, "-c", WITHOUT_TQDM, "classify", "a.png", "b.png"], folder)
    assert "%|" not in received
    assert received.splitlines()[:-1] == classify("a.png", "b.png", cwd=folder).stdout.splitlines()
