"""Each block of commands in README.md is run, and prints what the block after it shows."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.machine import PROJECT, free_port
from tests.support.waiting import wait_until_healthy

_BLOCK = re.compile(r"(?:<!-- not run: (?P<excuse>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands of the README, and the JSON or text that it says they print."""

    commands: str
    printed: str | None
    excuse: str | None  # why it is not run here

    @property
    def name(self) -> str:
        return self.commands.splitlines()[0][:60]


def blocks() -> list[Block]:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    return [
        Block(block["text"], _printed(readme[block.end() :]), block["excuse"])
        for block in _BLOCK.finditer(readme)
        if block["language"] == "bash"
    ]


def _printed(following: str) -> str | None:
    """What the block says that comes next, without any words between."""
    block = _BLOCK.match(following.lstrip())
    return block["text"] if block and block["language"] in ("json", "text") else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that commands may write; its environments are the real ones."""
    copy = tmp_path_factory.mktemp("clone")
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in filter(None, tracked):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, copy / name)  # with its date, by which make knows what is done
    for environment in (".venv", ".venv-sam"):
        (copy / environment).symlink_to(PROJECT / environment)
    return copy


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """The port on which `make run` serves, started as the README says."""
    port = free_port()
    server = subprocess.Popen(
        ["make", "run"], cwd=folder, env={**os.environ, "PORT": str(port)}, start_new_session=True
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", server)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in blocks() if not block.excuse])
def test_the_commands_of_the_readme_do_what_it_says(block: Block, folder: Path, port: int) -> None:
    commands = block.commands.replace("8000", str(port))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if block.printed:
        assert _comparable(done.stdout) == _comparable(block.printed)


def _comparable(text: str) -> object:
    """JSON without its layout and with two decimals, since the last ones differ from processor to processor."""
    try:
        return json.loads(text, parse_float=lambda number: round(float(number), 2))
    except json.JSONDecodeError:
        return text.split()
