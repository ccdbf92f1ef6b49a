"""The colour network: its input, its output, its file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handler.contract import COLOUR_SIDE
from handler.inference.colour import COLOUR_MODEL_PATH, ColourClassifier, colour_pixels
from handler.inference.decoding import decode
from tests.support.processors import on_haswell

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
    assert colour_pixels(Image.new(mode, (300, 40))).shape == (COLOUR_SIDE, COLOUR_SIDE, 3)


def test_transparent_pixels_become_white() -> None:
    assert (colour_pixels(Image.new("RGBA", (20, 20), (0, 0, 0, 0))) == 255).all()


def test_file_is_small() -> None:
    assert COLOUR_MODEL_PATH.stat().st_size <= 1.35 * 1024**2


@pytest.mark.slow
def test_processor_without_vnni_gives_the_same_probabilities(
    colour: ColourClassifier, datasets_dir: Path, tmp_path: Path
) -> None:
    paths = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))[::17]
    images = np.stack([colour_pixels(Image.open(path)) for path in paths])
    here = np.stack([colour.predict(Image.fromarray(image)) for image in images])
    there = on_haswell(PREDICT, images, tmp_path)
    assert (here.argmax(axis=1) == there.argmax(axis=1)).all()
    np.testing.assert_allclose(there, here, atol=0.02)
