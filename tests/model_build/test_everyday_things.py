"""Everyday things: read from packages, held out by thing, recoloured, pasted as none of the classes."""

import hashlib
import io
import logging
import random
import re
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_build.checks import ChecksumError
from model_build.cutout.composites import everyday_composite
from model_build.cutout.everyday import coloured
from model_build.datasets.everyday_things import FOLDER, TABLE, Archive, Thing, everyday_things

ROWS = "archive,thing,weight,held_out\npackage,cup,2,no\npackage,spoon,0.5,yes\n"


@dataclass(frozen=True)
class Home:
    """A folder, and the address where its files can be downloaded."""

    folder: Path
    address: str

    def archive(self, file: str, content: bytes) -> Archive:
        (self.folder / file).write_bytes(content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Archive(file, f"{self.address}/{file}", md5, "./things/", ".png")


def tar(names: list[str]) -> bytes:
    """An archive with a red square, 10 of 20 pixels of it transparent, under each name."""
    picture, stream = io.BytesIO(), io.BytesIO()
    square = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    square.paste((255, 0, 0, 255), (5, 5, 15, 15))
    square.save(picture, "PNG")
    with tarfile.open(fileobj=stream, mode="w:xz") as archive:
        for name in names:
            member = tarfile.TarInfo(f"./things/{name}.png")
            member.size = len(picture.getvalue())
            archive.addfile(member, io.BytesIO(picture.getvalue()))
    return stream.getvalue()


def debian_package(data: bytes) -> bytes:
    """As `ar` writes it: files are padded to even lengths."""
    members = {"debian-binary": b"2.0", "control.tar.xz": b"", "data.tar.xz": data}
    parts = [
        f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(each):<10}`\n".encode() + each for name, each in members.items()
    ]
    return b"!<arch>\n" + b"".join(part + b"\n" * (len(part) % 2) for part in parts)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Serves packages that the folder of data sets lacks."""
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path / "data sets"))
    folder = tmp_path / "home"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Home(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["tgz", "deb"])
def test_things_of_a_package_are_downloaded_and_parted(kind: str, home: Home, tmp_path: Path, table: Path) -> None:
    data = tar(["cup", "plate", "spoon"])
    archive = home.archive(f"package.{kind}", data if kind == "tgz" else debian_package(data))
    root = tmp_path / "root"
    (cup,) = everyday_things(root=root, archives={"package": archive}, table=table)
    (spoon,) = everyday_things(held_out=True, root=root, archives={"package": archive}, table=table)
    assert (cup.path.stem, cup.weight, spoon.path.stem, spoon.weight) == ("cup", 2, "spoon", 0.5)
    assert cup.cutout().size == (10, 10)
    assert not list(root.rglob("plate.png"))


def test_package_that_lacks_a_thing_is_refused(home: Home, tmp_path: Path, table: Path) -> None:
    archive = home.archive("package.tgz", tar(["cup"]))
    with pytest.raises(ChecksumError, match=re.escape("package.tgz lacks things/spoon.png")):
        everyday_things(root=tmp_path / "root", archives={"package": archive}, table=table)
    assert not (tmp_path / "root" / FOLDER / "package").exists()


def test_wrong_package_in_the_folder_of_data_sets_is_refused(home: Home, tmp_path: Path, table: Path) -> None:
    archive = home.archive("package.tgz", tar(["cup", "spoon"]))
    (tmp_path / "data sets" / FOLDER).mkdir(parents=True)
    (tmp_path / "data sets" / FOLDER / "package.tgz").write_bytes(tar(["other"]))
    with pytest.raises(ChecksumError, match=archive.md5):
        everyday_things(root=tmp_path / "root", archives={"package": archive}, table=table)


def test_training_goes_on_without_things_that_cannot_be_had(
    home: Home, tmp_path: Path, table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive("package.tgz", f"{home.address}/package.tgz", "0" * 32, "./things/", ".png")
    with caplog.at_level(logging.WARNING):
        assert everyday_things(root=tmp_path / "root", archives={"package": archive}, table=table) == []
    assert "everyday-things/package.tgz could not be downloaded" in caplog.text


def test_listed_things_are_no_clothes_and_mugs_are_only_measured_on() -> None:
    rows = [line.split(",") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    trained_on = {thing for _, thing, _, held_out in rows if held_out == "no"}
    clothes = {"1f455", "1f456", "1f457", "1f45c", "1f45e", "1f45f", "1f462", "1f9e5", "clothes/t_tshirt"}
    assert not trained_on & {*clothes, "2615", "household/dishes/mug"}
    assert 0.15 < 1 - len(trained_on) / len(rows) < 0.25


@pytest.mark.usefixtures("composites_without_photos")
def test_coloured_things_keep_their_outline_and_differ() -> None:
    disc = Image.new("RGBA", (40, 30), (200, 40, 40, 0))
    disc.paste((200, 40, 40, 255), (10, 5, 30, 25))
    made = [coloured(disc, random.Random(seed)) for seed in range(12)]
    assert all(each.getchannel("A") == disc.getchannel("A") for each in made)
    assert len({each.getpixel((20, 15)) for each in made}) > 5


@pytest.mark.usefixtures("composites_without_photos")
def test_composites_of_things_are_of_no_class_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), (200, 40, 40, 255)).save(tmp_path / "cup.png")
    things = [Thing(tmp_path / "cup.png", 1)]
    first, second = (everyday_composite(random.Random(5), 64, things) for _ in range(2))
    assert first.class_id is None
    assert first.image.size == (64, 64)
    assert 0 < first.mask.mean() < 1
    assert np.array_equal(np.asarray(first.image), np.asarray(second.image))
