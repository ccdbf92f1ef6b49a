"""Photos of clothes by class, kind of shoe and sender, parted by sender into photos to train on and to measure on.

Photos of one sender share floors, light and camera. Only photos of a sender that no network learned from tell how it
does on those of a new user.
"""

import csv
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torchvision.datasets.utils import download_and_extract_archive

from handler.inference.classifier import read_card
from handler.result_keys import NO_CLASS, class_folders
from model_build.checks import ChecksumError, WrongFolder
from model_build.datasets.downloads import downloading
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.photos import SPLITS, download_photos

FURTHER: Final = "clothing-dataset-more"
FURTHER_SOURCE: Final = "https://github.com/alexeygrigorev/clothing-dataset"
FURTHER_ARCHIVE: Final = f"{FURTHER_SOURCE}/archive/refs/heads/master.zip"
CORRECTIONS: Final = "corrections"
LICENCE: Final = "CC0 1.0"

CLASS_OF_KIND: Final = {
    "t-shirt": 0,
    "polo": 0,
    "undershirt": 0,
    "top": 0,
    "pants": 1,
    "longsleeve": 2,
    "hoodie": 2,
    "dress": 3,
    "outwear": 4,
    "blazer": 4,
    "sandal": 5,
    "shirt": 6,
    "blouse": 6,
    "sneaker": 7,
    "boot": 9,
}
SHOE_KINDS: Final = ("sandal", "sneaker", "boot")

_FOLDER: Final = Path(__file__).parent
_SENDERS_FILE: Final = _FOLDER / "clothing-dataset-senders.csv"
_SHOE_KINDS_FILE: Final = _FOLDER / "shoe-kinds.csv"
_SALT: Final = "26"  # of 30 salts, the one whose quarter of the photos has every class and every kind of shoe
# SHA-256 of "FOLDER/NAME MD5" lines of the further photos, sorted.
_FURTHER_CHECKSUM: Final = "6f469220df54dc34716c7c31d74d3bb7c71ee814495b92fc02fa1cd9fd9e57da"
_VISITORS: Final = "visitors"  # as a sender, one that is not held out
_HELD_OUT_BYTES: Final = 64  # of the 256 values of a hash's first byte


@dataclass(frozen=True)
class ClothingPhoto:
    """A photo, its sender, its class of Fashion-MNIST (None: none of the ten), and what it shows.

    `kind` is the name of the photo's folder or, for shoes, the kind of shoe: sandal, sneaker, boot or other shoes.
    """

    path: Path
    sender: str
    class_id: int | None
    kind: str

    @property
    def held_out(self) -> bool:
        """Whether the photo is of a sender whose photos are only measured on."""
        return is_held_out(self.sender)


def clothing_photos(root: Path = DATA_DIR) -> list[ClothingPhoto]:
    """All photos that the list of senders names, in an order that is the same everywhere.

    They are in the folder that DATASETS_DIR names, or are downloaded below `root`. Visitors' corrections in
    `root`/corrections, if any, come last. Raises ChecksumError, and WrongFolder of corrections.
    """
    senders, kinds = _column(_SENDERS_FILE, "sender_id"), _column(_SHOE_KINDS_FILE, "kind")
    paths = [path for path in _paths(root) if path.stem in senders]
    return [*(_photo(path, senders[path.stem], kinds) for path in paths), *corrections(root / CORRECTIONS)]


def corrections(folder: Path) -> list[ClothingPhoto]:
    """Images in `folder` by the class that visitors say they show, as `python -m infra corrections` downloads them.

    Their senders are unknown, so they are only trained on. An image that is corrected to two classes is left out.
    Raises WrongFolder if a folder in it is of no class.
    """
    folders = class_folders([label.english for label in read_card().labels])
    classes = {folder: class_id for class_id, folder in enumerate(folders)}
    paths = sorted(folder.glob("*/*.jpg"), key=lambda path: (path.parent.name, path.name))
    if wrong := {path.parent.name for path in paths} - {*classes, NO_CLASS}:
        raise WrongFolder(
            f"{folder} has the folder {min(wrong)!r}, which is of no class; they are {', '.join(classes)}, {NO_CLASS}"
        )
    counts = Counter(path.name for path in paths)
    return [
        ClothingPhoto(path, _VISITORS, classes.get(path.parent.name), path.parent.name)
        for path in paths
        if counts[path.name] == 1
    ]


def hash_of(photos: Iterable[ClothingPhoto]) -> str:
    """Hash of which photos they are, and of what: for the names of caches, since corrections come and go."""
    names = "".join(f"{photo.kind}/{photo.path.name}\n" for photo in photos)
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def are_held_out(paths: Iterable[Path]) -> list[bool]:
    """Whether each of these photos, which the list of senders names, is of a sender who is held out."""
    senders = _column(_SENDERS_FILE, "sender_id")
    return [is_held_out(senders[path.stem]) for path in paths]


def is_held_out(sender: str) -> bool:
    """Whether photos of `sender` are only measured on: a hash chooses a quarter of the photos."""
    return hashlib.sha256(f"{_SALT}:{sender}".encode()).digest()[0] < _HELD_OUT_BYTES


def download_further_photos(
    root: Path = DATA_DIR, archive: str = FURTHER_ARCHIVE, checksum: str = _FURTHER_CHECKSUM
) -> Path:
    """The folder with the photos of the full data set that the small one lacks, by class as in the list of senders.

    That in DATASETS_DIR, or else one below `root`, into which they are downloaded from `archive`: only what the list
    names, so that the public test photos stay unseen. Raises ChecksumError if a photo is missing or wrong.
    """
    folder = Path(os.environ.get("DATASETS_DIR", root), FURTHER)
    if not folder.is_dir():
        folder = root / FURTHER
    if not folder.is_dir():
        _download_further(root, archive, checksum)
    elif (found := further_checksum(folder)) != checksum:
        raise ChecksumError(f"the photos in {folder} have the checksum {found}, expected {checksum}")
    return folder


def further_checksum(folder: Path) -> str:
    """One checksum of the names and contents of all photos in `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*/*.jpg"), key=lambda path: (path.parent.name, path.name)):
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        digest.update(f"{path.parent.name}/{path.name} {md5}\n".encode())
    return digest.hexdigest()


def _download_further(root: Path, archive: str, checksum: str) -> None:
    """Download into a folder beside the final one: an interrupted or wrong download leaves nothing."""
    small = {path.stem for split in SPLITS for path in (download_photos(root) / split).glob("*/*.jpg")}
    labels = {image: label for image, label in _column(_SENDERS_FILE, "label").items() if image not in small}
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as temporary:
        with downloading(FURTHER, archive):
            download_and_extract_archive(archive, temporary, filename="archive.zip", remove_finished=True)
        chosen = Path(temporary, FURTHER)
        for path in sorted(Path(temporary).glob("*/images/*.jpg")):
            if label := labels.get(path.stem):
                (chosen / label).mkdir(parents=True, exist_ok=True)
                shutil.move(path, chosen / label / path.name)
        if (found := further_checksum(chosen)) != checksum:
            raise ChecksumError(f"the photos in {archive} have the checksum {found}, expected {checksum}")
        chosen.rename(root / FURTHER)


def _paths(root: Path) -> list[Path]:
    small = download_photos(root)
    folders = [*(small / split for split in SPLITS), download_further_photos(root)]
    return [path for folder in folders for path in sorted(folder.glob("*/*.jpg"))]


def _photo(path: Path, sender: str, kinds: dict[str, str]) -> ClothingPhoto:
    kind = path.parent.name
    if kind == "shoes":
        shoe = kinds.get(path.stem, "other")
        kind = shoe if shoe in SHOE_KINDS else "other shoes"
    return ClothingPhoto(path, sender, CLASS_OF_KIND.get(kind), kind)


def _column(file: Path, name: str) -> dict[str, str]:
    """A column of a table by the name of the image."""
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["image"]: row[name] for row in csv.DictReader(rows)}
