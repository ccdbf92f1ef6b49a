"""Compare answers on an emulated Haswell processor with this one's: `python -m tests.support.processors 300`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.support.machine import PROJECT, missing

HASWELL: Final = ("qemu-x86_64", "-cpu", "Haswell", sys.executable)

CLASSIFY = """
import json, sys
from pathlib import Path
from handler.inference.classifier import Classifier
from handler.inference.pipeline import classify
classifier = Classifier.shipped()
for path in json.load(sys.stdin):
    found = classify(classifier, Path(path).read_bytes(), 50_000_000, 1)
    print(json.dumps([found.predictions[0].class_id, found.known, found.confident]), flush=True)
"""


def differing(photos: Sequence[Path]) -> list[Path]:
    """The photos with another label, another `known` or another `confident` on a Haswell, which has no VNNI."""
    native = _answers([sys.executable], photos)
    emulated = _answers(HASWELL, photos)
    return [photo for photo, one, other in zip(photos, native, emulated, strict=True) if one != other]


def on_haswell(code: str, images: NDArray[Any], folder: Path) -> NDArray[np.float32]:
    """The array that `code` writes to sys.argv[2] from `images` in sys.argv[1], emulated; both are in `folder`."""
    require_emulator()
    np.save(folder / "images.npy", images)
    command = [*HASWELL, "-W", "ignore", "-c", code, "images.npy", "found.npy"]
    subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(PROJECT)}, check=True, timeout=500)
    found: NDArray[np.float32] = np.load(folder / "found.npy")
    return found


def require_emulator() -> None:
    if not shutil.which(HASWELL[0]):
        missing(f"there is no {HASWELL[0]} (Debian's package qemu-user)")


def _answers(command: Sequence[str], photos: Sequence[Path]) -> list[str]:
    done = subprocess.run(
        [*command, "-W", "ignore", "-c", CLASSIFY],
        input=json.dumps([str(photo) for photo in photos]),
        env={"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def _main() -> None:
    count = int(sys.argv[1])
    folder = Path(os.environ["DATASETS_DIR"], "clothing-dataset-small")
    photos = sorted(folder.glob("validation/*/*.jpg"))[:count]
    print(f"{len(differing(photos))} of {len(photos)} photos differ")


if __name__ == "__main__":
    _main()
