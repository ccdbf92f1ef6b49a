"""Everyday things that are no clothes, cut out by alpha: mugs, phones, food, animals, hats; for outlier exposure.

D. Hendrycks, M. Mazeika and T. Dietterich, "Deep Anomaly Detection with Outlier Exposure" (ICLR 2019). Two packages
have them: Microsoft's Fluent emoji in 3D (MIT), and Tux Paint's stamps (GPL-2), of which many are photos. The list
`everyday-things.csv` leaves out clothes, shoes, bags and people; a fifth is held out, with mugs like the page's sample.
"""

import csv
import logging
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image
from torchvision.datasets.utils import check_integrity, download_url

from model_build.checks import ChecksumError, DatasetUnavailable
from model_build.datasets.downloads import downloading
from model_build.datasets.mnist import DATA_DIR

FOLDER: Final = "everyday-things"
TABLE: Final = Path(__file__).parent / "everyday-things.csv"
_FAINT: Final = 20  # alpha, of 255: a thing's border is above
_AR_MAGIC, _AR_HEADER = 8, 60  # bytes

Row = Mapping[str, str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A package with images: a thing is the member `prefix` THING `suffix`."""

    file: str
    url: str
    md5: str
    prefix: str
    suffix: str

    def member(self, thing: str) -> str:
        return f"{self.prefix}{thing}{self.suffix}"


ARCHIVES: Final = {
    "emoji": Archive(
        "fluent-emoji-3d-1.1.0.tgz",
        "https://registry.npmjs.org/@lobehub/fluent-emoji-3d/-/fluent-emoji-3d-1.1.0.tgz",
        "e9817e218acff93c6e209758a3024a40",
        "package/assets/",
        ".webp",
    ),
    "stamps": Archive(
        "tuxpaint-stamps-default_2022.06.04-1_all.deb",
        "https://deb.debian.org/debian/pool/main/t/tuxpaint-stamps/tuxpaint-stamps-default_2022.06.04-1_all.deb",
        "982b1d6c4a685f1ac0fc473b5e6ca498",
        "./usr/share/tuxpaint/stamps/",
        ".png",
    ),
}


@dataclass(frozen=True)
class Thing:
    """An image file of one thing, and how often it is shown: faces, clocks and drawn houses are many and alike."""

    path: Path
    weight: float

    def cutout(self) -> Image.Image:
        """RGBA, trimmed to what is not transparent."""
        image = Image.open(self.path).convert("RGBA")
        return image.crop(image.getchannel("A").point(lambda alpha: 255 * (alpha > _FAINT)).getbbox())


def everyday_things(
    *, held_out: bool = False, root: Path = DATA_DIR, archives: Mapping[str, Archive] = ARCHIVES, table: Path = TABLE
) -> list[Thing]:
    """Those of `table` to train on, or those `held_out`; none, with the reason logged, if they cannot be had.

    The packages are in DATASETS_DIR/everyday-things, or are downloaded below `root`. Raises ChecksumError.
    """
    with table.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    try:
        folders = {name: _unpacked(name, archive, rows, root) for name, archive in archives.items()}
    except DatasetUnavailable as error:
        log.warning("no everyday things are shown as none of the classes: %s", error)
        return []
    return [
        Thing(folders[row["archive"]] / archives[row["archive"]].member(row["thing"]), float(row["weight"]))
        for row in rows
        if (row["held_out"] == "yes") is held_out
    ]


def _unpacked(name: str, archive: Archive, rows: Iterable[Row], root: Path) -> Path:
    """The folder below `root` with what `rows` name of a package: an interrupted download leaves nothing there."""
    folder = root / FOLDER / name
    if not folder.is_dir():
        package = _package(archive, root)
        members = [archive.member(row["thing"]) for row in rows if row["archive"] == name]
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            _unpack(package, members, Path(temporary, name))
            Path(temporary, name).rename(folder)
    return folder


def _package(archive: Archive, root: Path) -> Path:
    path = Path(os.environ.get("DATASETS_DIR", root), FOLDER, archive.file)
    if not path.is_file():
        path = root / FOLDER / archive.file
    if not path.is_file():
        with downloading(f"{FOLDER}/{archive.file}", archive.url):
            download_url(archive.url, str(path.parent), archive.file, archive.md5)
    if not check_integrity(str(path), archive.md5):
        raise ChecksumError(f"{path} should have the MD5 checksum {archive.md5}: delete it, or replace it")
    return path


def _unpack(package: Path, members: Iterable[str], folder: Path) -> None:
    """`members` of a .tgz or of a Debian package. Raises ChecksumError if one is missing."""
    with package.open("rb") as file:
        if package.suffix == ".deb":
            _seek_data(file)
        with tarfile.open(fileobj=file, mode="r|*") as files:
            missing = {str(Path(member)) for member in members}
            for each in files:
                if str(Path(each.name)) in missing:
                    files.extract(each, folder, filter="data")
                    missing.remove(str(Path(each.name)))
    if missing:
        raise ChecksumError(f"{package} lacks {min(missing)}")


def _seek_data(file: BinaryIO) -> None:
    """To the files of a Debian package: the member data.tar.* of an `ar` archive, see deb(5)."""
    file.seek(_AR_MAGIC)
    while header := file.read(_AR_HEADER):
        if header.startswith(b"data.tar"):
            return
        size = int(header[48:58])
        file.seek(size + size % 2, os.SEEK_CUR)
    raise ChecksumError(f"{file.name} is no Debian package")
