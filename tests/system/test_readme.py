"""Run each block of commands in README.md and docs/, and compare what it prints with the block after it."""

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
_COMMAND = '#!/bin/sh\nexec "{python}" -m handler "$@"\n'  # what `pip install .` puts on the PATH, less the package
_STAMPS = ("serve", "test", "develop")  # files by which make knows what is installed, in the order it makes them
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """Commands of a page, and the JSON or text that they print according to it."""

    commands: str
    printed: str | None
    excuse: str | None  # why it is not run here


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(block["text"], _printed(text[block.end() :]), block["excuse"])
        for block in _BLOCK.finditer(text)
        if block["language"] == "bash"
    ]


def _printed(following: str) -> str | None:
    """The block of output that comes next, without any words between."""
    block = _BLOCK.match(following.lstrip())
    return block["text"] if block and block["language"] in ("json", "text") else None


RUN = [
    pytest.param(block, id=f"{page.stem}: {block.commands.splitlines()[0][:50]}")
    for page in PAGES
    for block in blocks(page)
    if not block.excuse
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that commands may write; its environment is the real one."""
    copy = tmp_path_factory.mktemp("clone")
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in filter(None, tracked):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, copy / name)
    _link_environment(PROJECT / ".venv", copy / ".venv")
    return copy


def _link_environment(real: Path, linked: Path) -> None:
    """Link what is installed, with new stamps: after a change of its pins, make would install into the real one."""
    linked.mkdir()
    for path in real.iterdir():
        if path.name not in _STAMPS:
            (linked / path.name).symlink_to(path)
    for stamp in _STAMPS:
        (linked / stamp).touch()


@pytest.fixture(scope="module")
def environment(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who has installed the package."""
    programs = tmp_path_factory.mktemp("bin")
    command = programs / "clothes-classifier"
    command.write_text(_COMMAND.format(python=folder / ".venv" / "bin" / "python"))
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


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


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN)
def test_block_of_commands_prints_what_the_page_says(
    block: Block, folder: Path, environment: dict[str, str], port: int
) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.commands.replace("8000", str(port))],
        cwd=folder,
        env=environment,
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


def test_chinese_readme_has_the_code_blocks_of_the_english_one() -> None:
    english, chinese = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    assert _BLOCK.findall(chinese) == _BLOCK.findall(english)


def test_chinese_readme_has_the_sections_and_numbers_of_the_english_one() -> None:
    english, chinese = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    assert _levels(chinese) == _levels(english)
    assert _numbers_in_tables(chinese) == _numbers_in_tables(english)


def _levels(text: str) -> list[str]:
    return re.findall(r"^#+(?= )", text, re.MULTILINE)


def _numbers_in_tables(text: str) -> list[list[str]]:
    """The numbers of each row, in any order, since a sentence may turn them round."""
    rows = re.findall(r"^\|.+\|$", text, re.MULTILINE)
    return [sorted(re.findall(r"\d[\d.,]*\d|\d", row)) for row in rows]
