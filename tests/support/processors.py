"""Compare answers on an emulated Haswell processor with this one's: `python -m tests.support.processors 300`."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.machine import PROJECT

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
    emulated = _answers(["qemu-x86_64", "-cpu", "Haswell", sys.executable], photos)
    return [photo for photo, one, other in zip(photos, native, emulated, strict=True) if one != other]


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
