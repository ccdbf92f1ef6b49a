"""Paths on the command line: files, folders and standard input."""

import json
import os
from pathlib import Path

import pytest

from handler.cli.inputs import SUFFIXES, find_inputs
from tests.support.command_line import classify


def paths_in(folder: Path) -> list[str]:
    return [str(Path(found.path).relative_to(folder)) for found in find_inputs([str(folder)]).inputs]


def test_files_folders_and_standard_input_can_be_combined(tmp_path: Path, png: bytes) -> None:
    for name in ("shirts/b.png", "shirts/a.PNG", "shirts/old/c.png", "notes.dat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png)
    ended = classify("notes.dat", "shirts/", "-", "--json", cwd=tmp_path, stdin=png)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row["path"] for row in rows] == ["notes.dat", "shirts/a.PNG", "shirts/b.png", "shirts/old/c.png", "-"]
    assert len({row["score"] for row in rows}) == 1
    assert ended.returncode == 0


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Tiff"])
def test_image_files_are_recognised_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"image{suffix}").touch()
    assert paths_in(tmp_path) == [f"image{suffix}"]


@pytest.mark.parametrize("name", ["notes.txt", "png", ".hidden.png", ".cache/thumbnail.png", "a.png.part"])
def test_other_files_are_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / "z.png").touch()
    assert paths_in(tmp_path) == ["z.png"]


def test_pipes_and_folders_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "z.png").touch()
    (tmp_path / "link.png").symlink_to("z.png")
    assert paths_in(tmp_path) == ["link.png", "z.png"]


def test_folder_with_a_link_to_itself_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "again").symlink_to(tmp_path)
    assert paths_in(tmp_path) == ["a.png"]


def test_links_to_folders_are_counted_as_skipped(tmp_path: Path) -> None:
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (tmp_path / "photos" / "a.png").touch()
    assert find_inputs([str(tmp_path / "photos")]).skipped == {}
    for name in ("more", "photos"):
        (tmp_path / "photos" / name).symlink_to(tmp_path)
    assert find_inputs([str(tmp_path / "photos")]).skipped == {"link to a folder": 2}


@pytest.mark.parametrize(
    ("target", "error"),
    [
        pytest.param("nowhere", "broken link: No such file or directory", id="dangling"),
        pytest.param("link.png", "broken link: Too many levels of symbolic links", id="loop"),
    ],
)
def test_broken_link_is_an_error(tmp_path: Path, target: str, error: str) -> None:
    (tmp_path / "link.png").symlink_to(target)
    assert [found.error for found in find_inputs([str(tmp_path)]).inputs] == [error]


def test_named_folder_may_be_hidden_or_a_link(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.png").touch()
    (tmp_path / "link").symlink_to(".hidden")
    inputs = find_inputs([str(tmp_path / ".hidden"), str(tmp_path / "link")]).inputs
    assert [found.path for found in inputs] == [str(tmp_path / ".hidden/a.png"), str(tmp_path / "link/a.png")]


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = classify("empty", "--json", cwd=tmp_path)
    assert json.loads(ended.stdout)["path"] == "empty"
    assert ended.stderr.startswith("empty: the folder has no image files (.png, ")
    assert ended.returncode == 1


def test_unreadable_folder_does_not_hide_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    _nest(tmp_path, depth=25)
    unreadable, image = find_inputs([str(tmp_path)]).inputs
    assert unreadable.error == "File name too long"
    assert image.path == str(tmp_path / "a.png")


def _nest(folder: Path, depth: int) -> None:
    """Nest folders until the path is longer than the system accepts."""
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("n" * 250, dir_fd=inner)
        outer, inner = inner, os.open("n" * 250, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)


def test_empty_path_is_not_the_current_folder(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png)
    ended = classify("", "--json", cwd=tmp_path)
    assert "error" in json.loads(ended.stdout)
    assert ended.returncode == 1
