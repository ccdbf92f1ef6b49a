"""The colour network: its input, its output, its file."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handler.contract import COLOUR_SIDE
from handler.inference.colour import COLOUR_MODEL_PATH, ColourClassifier, squeezed
from handler.inference.decoding import decode
from tests.support.machine import PROJECT, missing

PREDICT = """
import sys, numpy as np
from PIL import Image
from handler.inference.colour import ColourClassifier
classifier = ColourClassifier()
np.save(sys.argv[2], [classifier.predict(Image.fromarray(image)) for image in np.load(sys.argv[1])])
"""


@pytest.fixture(scope="module")
def colour() -> ColourClassifier:
    return ColourClassifier()


def test_photo_of_trousers_is_trousers(colour: ColourClassifier, photo: bytes) -> None:
    probabilities = colour.predict(decode(photo, 50_000_000, COLOUR_SIDE))
    assert probabilities.shape == (11,)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities.argmax() == 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_images_of_any_mode_and_shape_are_squeezed_to_a_square(mode: str) -> None:
    assert squeezed(Image.new(mode, (300, 40))).shape == (COLOUR_SIDE, COLOUR_SIDE, 3)


def test_transparent_pixels_become_white() -> None:
    assert (squeezed(Image.new("RGBA", (20, 20), (0, 0, 0, 0))) == 255).all()


def test_file_is_small() -> None:
    assert COLOUR_MODEL_PATH.stat().st_size <= 1.35 * 1024**2


@pytest.mark.slow
def test_processor_without_vnni_gives_the_same_probabilities(
    colour: ColourClassifier, datasets_dir: Path, tmp_path: Path
) -> None:
    if not (emulator := shutil.which("qemu-x86_64")):
        missing("there is no qemu-x86_64 (Debian's package qemu-user)")
    paths = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))[::17]
    images = np.stack([squeezed(Image.open(path)) for path in paths])
    np.save(tmp_path / "images.npy", images)

    command = [emulator, "-cpu", "Haswell", sys.executable, "-W", "ignore", "-c", PREDICT, "images.npy", "found.npy"]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, check=True, timeout=500)

    here = np.stack([colour.predict(Image.fromarray(image)) for image in images])
    there = np.load(tmp_path / "found.npy")
    assert (here.argmax(axis=1) == there.argmax(axis=1)).all()
    np.testing.assert_allclose(there, here, atol=0.02)
