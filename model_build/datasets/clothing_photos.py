"""Photos of clothes by class, kind of shoe and sender, parted by sender into photos to train on and to measure on.

Photos of one sender share floors, light and camera. Only photos of a sender that no network learned from tell how it
does on those of a new user.
"""

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.photos import SPLITS, download_photos

FURTHER: Final = "clothing-dataset-more"
FURTHER_SOURCE: Final = "https://github.com/alexeygrigorev/clothing-dataset"
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

    @property
    def unseen(self) -> bool:
        """Whether no network has learned from the photo or its sender: the 28x28 networks learn from one folder."""
        return self.held_out and self.path.parts[-3] != SPLITS[0]


def clothing_photos(root: Path = DATA_DIR) -> list[ClothingPhoto]:
    """All photos that the list of senders names, in an order that is the same everywhere.

    Those of the full data set are there only if DATASETS_DIR names a folder that has them. Raises ChecksumError.
    """
    senders, kinds = _column(_SENDERS_FILE, "sender_id"), _column(_SHOE_KINDS_FILE, "kind")
    paths = [path for path in _paths(root) if path.stem in senders]
    return [_photo(path, senders[path.stem], kinds) for path in paths]


def is_held_out(sender: str) -> bool:
    """Whether photos of `sender` are only measured on: a hash chooses a quarter of the photos."""
    return hashlib.sha256(f"{_SALT}:{sender}".encode()).digest()[0] < _HELD_OUT_BYTES


def _paths(root: Path) -> list[Path]:
    small = download_photos(root)
    folders = [*(small / split for split in SPLITS), Path(os.environ.get("DATASETS_DIR", root), FURTHER)]
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
