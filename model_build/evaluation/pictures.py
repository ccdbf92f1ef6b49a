"""Pictures that are only measured on: photos of held-out senders, pictures of shops and of everyday things."""

import io
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from model_build.cutout.composites import everyday_composite
from model_build.datasets.clothing_photos import FURTHER, ClothingPhoto, clothing_photos
from model_build.datasets.everyday_things import everyday_things
from model_build.datasets.mnist import DATA_DIR

# Pictures of shops in folders named by class id or `none`. They may help to choose, and are never published.
SHOP_PICTURES: Final = "shop-pictures-choosing"

_EVERYDAY_SIDE: Final = 192  # pixels


@dataclass(frozen=True)
class Picture:
    """An image file with its class of Fashion-MNIST (None: none of the ten), what it shows, and who sent it."""

    path: Path
    class_id: int | None
    kind: str
    sender: str
    further: bool = False  # one of the kinds of clothes, or of the children's, that only the full data set has

    @property
    def group(self) -> str:
        """What users send, in three parts: ordinary clothes, further kinds and children's, pictures of shops."""
        if self.kind.startswith("shop"):
            return "shop"
        return "further" if self.further else "ordinary"


def held_out_photos(root: Path = DATA_DIR) -> list[Picture]:
    """All photos of held-out senders."""
    return [_picture(photo) for photo in clothing_photos(root) if photo.held_out]


def shop_pictures(root: Path = DATA_DIR) -> list[Picture]:
    """Pictures of shops, each as of a sender of its own; none if their folder is not there."""
    folder = Path(os.environ.get("DATASETS_DIR", root), SHOP_PICTURES)
    return [_shop_picture(path) for path in sorted(folder.glob("*/*.jpg"))]


def everyday_pictures(count: int = 400) -> list[bytes]:
    """PNG files with everyday things that are held out, on shop grounds and at home; none if they cannot be had."""
    things = everyday_things(held_out=True)
    return [
        _png(everyday_composite(random.Random(f"held out {n}"), _EVERYDAY_SIDE, things).image)
        for n in range(count if things else 0)
    ]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def of_the_ten(pictures: Sequence[Picture]) -> list[Picture]:
    """Those that show one of the ten classes."""
    return [picture for picture in pictures if picture.class_id is not None]


def _picture(photo: ClothingPhoto) -> Picture:
    further = photo.path.parts[-3] == FURTHER
    return Picture(photo.path, photo.class_id, photo.kind, photo.sender, further)


def _shop_picture(path: Path) -> Picture:
    folder = path.parent.name
    return Picture(path, None if folder == "none" else int(folder), f"shop {folder}", f"shop {path.stem}")
