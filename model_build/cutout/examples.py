"""Training examples of the learned cut-out: composites, made once in parts, so that a run can stop and go on."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handler.inference.cutout import SIDE
from model_build.cutout.composites import composing_processes, composite
from model_build.datasets.mnist import DATA_DIR
from model_build.progress import track
from model_build.run_files import save_arrays

PART: Final = 500  # composites in a file


@dataclass(frozen=True)
class Examples:
    """`images` (N, SIDE, SIDE, 3) uint8, and `masks` (N, SIDE, SIDE) bool: the garment of each."""

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)


def load_examples(count: int, seed: int, root: Path = DATA_DIR) -> Examples:
    """`count` composites, rounded up to whole parts; cached below `root`."""
    folder = root / f"composites-{seed}-{_fingerprint()}"
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(-(-count // PART))
    missing = [number for number in numbers if not _file(folder, number).exists()]
    if missing:
        with composing_processes() as pool:
            made = pool.map(partial(make_part, folder, seed), missing)
            list(track(made, f"composing {PART} pictures each", total=len(missing)))
    return read_parts([_file(folder, number) for number in numbers])


def make_part(folder: Path, seed: int, number: int) -> None:
    """Write one part, seeded by its number."""
    rng = random.Random(f"composites {seed} {number}")
    made = [composite(rng, SIDE) for _ in range(PART)]
    images, masks = np.stack([np.asarray(each.image) for each in made]), np.stack([each.mask for each in made])
    save_arrays(_file(folder, number), images=images, masks=masks)


def read_parts(files: Sequence[Path]) -> Examples:
    parts = []
    for file in files:
        with np.load(file) as stored:
            parts.append((stored["images"], stored["masks"]))
    images, masks = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Examples(images, masks)


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number}.npz"


def _fingerprint() -> str:
    """Hash of the source code that decides how composites look."""
    sources = sorted(path for path in Path(__file__).parent.glob("*.py") if path.stem in _MAKERS)
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


_MAKERS: Final = ("bodies", "composites", "garments", "grounds", "people", "trusted")
