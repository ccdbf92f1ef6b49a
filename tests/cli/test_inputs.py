"""Folders on the command line: which files they stand for."""

import json
import os
from pathlib import Path

import pytest

from handler.cli.inputs import SUFFIXES, sources_of
from tests.support.command_line import classify


def paths_in(folder: Path) -> list[str]:
    return [str(Path(source.path).relative_to(folder)) for source in sources_of([str(folder)])]


def test_files_folders_and_standard_input_may_be_mixed(tmp_path: Path, png: bytes) -> None:
    for name in ("shirts/b.png", "shirts/a.PNG", "shirts/old/c.png", "notes.dat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png)
    ended = classify("notes.dat", "shirts/", "-", "--json", cwd=tmp_path, stdin=png)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row["path"] for row in rows] == ["notes.dat", "shirts/a.PNG", "shirts/b.png", "shirts/old/c.png", "-"]
    assert len({row["score"] for row in rows}) == 1
    assert ended.returncode == 0


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Tiff"])
def test_pictures_are_known_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"picture{suffix}").touch()
    assert paths_in(tmp_path) == [f"picture{suffix}"]


@pytest.mark.parametrize("name", ["notes.txt", "png", ".hidden.png", ".cache/thumbnail.png", "a.png.part"])
def test_other_files_are_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / "z.png").touch()
    assert paths_in(tmp_path) == ["z.png"]


def test_what_only_looks_like_a_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.png")
    (tmp_path / "dangling.png").symlink_to("nowhere")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "z.png").touch()
    (tmp_path / "link.png").symlink_to("z.png")
    assert paths_in(tmp_path) == ["link.png", "z.png"]


def test_a_folder_that_links_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert paths_in(tmp_path) == ["a.png"]


def test_the_folder_that_is_named_may_be_hidden_or_a_link(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.png").touch()
    (tmp_path / "link").symlink_to(".hidden")
    sources = sources_of([str(tmp_path / ".hidden"), str(tmp_path / "link")])
    assert [source.path for source in sources] == [str(tmp_path / ".hidden/a.png"), str(tmp_path / "link/a.png")]


def test_a_folder_without_pictures_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = classify("empty", "--json", cwd=tmp_path)
    assert json.loads(ended.stdout)["path"] == "empty"
    assert ended.stderr.startswith("empty: the folder has no picture files (.png, ")
    assert ended.returncode == 1


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    _nest(tmp_path, depth=25)
    unreadable, picture = sources_of([str(tmp_path)])
    assert unreadable.problem == "File name too long"
    assert picture.path == str(tmp_path / "a.png")


def _nest(folder: Path, depth: int) -> None:
    """Folders in folders, until the whole path is longer than the system opens."""
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("n" * 250, dir_fd=inner)
        outer, inner = inner, os.open("n" * 250, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)


def test_an_empty_name_is_not_the_folder_of_now(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png)
    ended = classify("", "--json", cwd=tmp_path)
    assert "error" in json.loads(ended.stdout)
    assert ended.returncode == 1
