"""`watch`: classify the files that arrive in a folder."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from threading import Event

import pytest

from handler.cli.inputs import Input
from handler.cli.watch import FolderGone, arrivals
from tests.support.command_line import ENVIRONMENT


def names(batch: list[Input]) -> list[str]:
    return [Path(file.path).name for file in batch]


def test_growing_file_is_yielded_once_it_is_complete(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    stopped = Event()
    with (tmp_path / "new.png").open("wb") as file:
        batches = arrivals(str(tmp_path), stopped, existing=True, poll_seconds=0.01)
        assert names(next(batches)) == ["new.png", "old.png"]
        file.write(b"more")
        file.flush()
        assert names(next(batches)) == ["new.png"]
    stopped.set()
    assert list(batches) == []


@pytest.mark.parametrize("name", ["gone", "file.png", ""], ids=["missing", "file", "empty"])
def test_folder_that_is_none_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.png").touch()
    with pytest.raises(FolderGone, match="there is no folder"):
        arrivals(str(tmp_path / name) if name else "", Event(), existing=False)


@pytest.mark.slow  # waits for two listings, a second apart
def test_watch_classifies_new_files_until_ctrl_c(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "old.png").write_bytes(png)
    command = [sys.executable, "-m", "handler", "watch", str(tmp_path), "--json"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert b"stop with Ctrl-C" in process.stderr.readline()
        (tmp_path / "new.png").write_bytes(png)
        (tmp_path / "notes.txt").write_bytes(png)
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, messages = process.communicate(timeout=60)
    assert (Path(json.loads(line)["path"]).name, rest, process.returncode) == ("new.png", b"", 0)
    assert messages.decode().startswith("1 classified (0 of them unknown), 0 failed, in ")
