"""Photo dataset: people's photos of their clothes, cut out by colour as the server can do it, in several variants.

Through that preprocessing the model learns how wood, bedding, shadows and hangers end up in its input.
"""

import hashlib
import os
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from torch import Tensor
from torchvision.datasets.utils import download_and_extract_archive

import handler.inference.decoding
import handler.inference.foreground
import handler.inference.preprocessing
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, THRESHOLDS, preprocessed_views, views_of
from model_build.checks import ChecksumError
from model_build.datasets import randomness
from model_build.datasets.downloads import downloading
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.randomness import random_threshold
from model_build.progress import track
from model_build.run_files import save_arrays

NAME: Final = "clothing-dataset-small"
SOURCE: Final = "https://github.com/alexeygrigorev/clothing-dataset-small"
LICENCE: Final = "CC0 1.0"
SPLITS: Final = ("train", "validation")

# The classes of Fashion-MNIST that a folder of photos stands for; none: its photos are out of distribution.
ALLOWED: Final = {
    "t-shirt": (0,),
    "pants": (1,),
    "longsleeve": (2,),
    "dress": (3,),
    "outwear": (4,),
    "shirt": (6,),
    "shoes": (5, 7, 9),
    "hat": (),
    "shorts": (),
    "skirt": (),
}

# SHA-256 of "SPLIT/FOLDER/NAME MD5" lines, sorted.
_CHECKSUM = "f50238a1a68aa56b898da86319a0d2834660931a8c176dbb1d190c7a8dd46756"
_MAX_PIXELS = 50_000_000


@dataclass(frozen=True)
class Photos:
    """`images` (N, variants, 28, 28) uint8, the served views first; `allowed` (N, 10) bool: the right classes."""

    images: Tensor
    allowed: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def views(self) -> Tensor:
        """(N, views, 28, 28)"""
        return self.images[:, : len(THRESHOLDS)]

    def __getitem__(self, index: Tensor) -> "Photos":
        return Photos(self.images[index], self.allowed[index])


def download_photos(root: Path = DATA_DIR) -> Path:
    """The folder with the photos: that in DATASETS_DIR, or else one below `root`, into which they are downloaded.

    Raises ChecksumError if a file is missing or wrong, DatasetUnavailable if all are missing.
    """
    local = Path(os.environ.get("DATASETS_DIR", root), NAME)
    if local.is_dir():
        folder = local
    else:
        folder = root / f"{NAME}-master"
        if not folder.is_dir():
            with downloading(NAME, SOURCE):
                download_and_extract_archive(f"{SOURCE}/archive/refs/heads/master.zip", str(root))
    if (found := photos_checksum(folder)) != _CHECKSUM:
        raise ChecksumError(f"the photos in {folder} have the checksum {found}, expected {_CHECKSUM}")
    return folder


def load_photos(split: str, altered: int, root: Path = DATA_DIR) -> Photos:
    """The photos of a split, each in its views and `altered` variants; cached below `root`, since it takes minutes."""
    cache = root / f"photos-{split}-{altered}-{_fingerprint()}.npz"
    if not cache.exists():
        paths = photo_paths(download_photos(root), split)
        with ProcessPoolExecutor() as pool:
            preprocessed = pool.map(partial(_variants, altered=altered), paths, chunksize=16)
            images = np.stack(list(track(preprocessed, f"preprocessing the {split} photos", total=len(paths))))
        save_arrays(cache, images=images, folders=[path.parent.name for path in paths])
    with np.load(cache) as stored:
        return Photos(torch.from_numpy(stored["images"]), _allowed(stored["folders"].tolist()))


def photo_paths(folder: Path, split: str) -> list[Path]:
    """The photos of a split, in an order that is the same everywhere."""
    return sorted((folder / split).glob("*/*.jpg"), key=lambda path: (path.parent.name, path.name))


def photos_checksum(folder: Path) -> str:
    """One checksum of the names and contents of all photos."""
    digest = hashlib.sha256()
    for split in SPLITS:
        for path in photo_paths(folder, split):
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            digest.update(f"{split}/{path.parent.name}/{path.name} {md5}\n".encode())
    return digest.hexdigest()


def _allowed(folders: list[str]) -> Tensor:
    allowed = torch.zeros(len(folders), 10, dtype=torch.bool)
    for row, folder in enumerate(folders):
        allowed[row, list(ALLOWED[folder])] = True
    return allowed


def _fingerprint() -> str:
    """Hash of the source code that decides how a photo is preprocessed."""
    modules = (handler.inference.decoding, handler.inference.foreground, handler.inference.preprocessing, randomness)
    sources = [__file__, *(str(module.__file__) for module in modules)]
    return hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:12]


def _variants(path: Path, altered: int) -> NDArray[np.uint8]:
    """(variants, 28, 28): the views of the photo, then variants altered at random, seeded by the file's name."""
    photo = decode(path.read_bytes(), _MAX_PIXELS, DETAIL_SIDE).convert("RGB")
    rng = random.Random(path.name)
    thresholds = [random_threshold(rng) for _ in range(altered)]
    others = [preprocessed_views(_altered(photo, rng), [threshold])[0].pixels for threshold in thresholds]
    return np.stack([*views_of(photo)[0], *others])


def _altered(photo: Image.Image, rng: random.Random) -> Image.Image:
    """The same object with another framing, light and tilt."""
    photo = photo.copy()
    photo.thumbnail((400, 400))
    tilted = photo.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=photo.getpixel((1, 1)))
    width, height = photo.size
    left, top, right, bottom = (rng.uniform(0, 0.1) for _ in range(4))
    framed = tilted.crop((int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height)))
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        framed = enhance(framed).enhance(rng.uniform(0.75, 1.3))
    return framed
