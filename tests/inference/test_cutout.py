"""The learned cut-out: masks of the main garment, the same on every processor."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from handler.contract import ModelCard
from handler.inference.cutout import CUTOUT_PATH, SIDE, CutOut
from tests.support.processors import on_haswell

PREDICT = """
import sys, numpy as np
from PIL import Image
from handler.inference.cutout import CutOut
cut_out = CutOut()
np.save(sys.argv[2], [cut_out.mask(Image.fromarray(image)) for image in np.load(sys.argv[1])])
"""


@pytest.fixture(scope="module")
def cut_out() -> CutOut:
    return CutOut()


def on_white(colour: str) -> tuple[Image.Image, NDArray[np.bool_]]:
    """A T-shirt of 160x160 pixels on white, and its outline (SIDE, SIDE)."""
    picture, outline = Image.new("RGB", (160, 160), "white"), Image.new("L", (160, 160))
    shape = [(55, 30), (105, 30), (140, 60), (125, 78), (108, 66), (108, 130), (52, 130), (52, 66), (35, 78), (20, 60)]
    ImageDraw.Draw(picture).polygon(shape, colour, outline="dimgrey")
    ImageDraw.Draw(outline).polygon(shape, 255)
    return picture, np.asarray(outline.resize((SIDE, SIDE), Image.Resampling.BOX)) >= 128


@pytest.mark.parametrize("colour", ["navy", "crimson", "grey", "whitesmoke"])
def test_mask_is_the_shirt(cut_out: CutOut, colour: str) -> None:
    picture, outline = on_white(colour)
    found = cut_out.mask(picture) >= 0.5
    assert (found & outline).sum() / (found | outline).sum() > 0.8


@pytest.mark.parametrize("size", [(300, 40), (17, 400), (64, 64)], ids=str)
def test_mask_of_an_image_of_any_shape_is_a_square_of_probabilities(cut_out: CutOut, size: tuple[int, int]) -> None:
    found = cut_out.mask(Image.new("RGB", size, "olive"))
    assert found.shape == (SIDE, SIDE)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


def test_grey_image_is_cut_out_as_its_colour_form(cut_out: CutOut) -> None:
    grey = on_white("black")[0].convert("L")
    assert np.array_equal(cut_out.mask(grey), cut_out.mask(grey.convert("RGB")))


def test_cut_out_may_be_loaded_by_many_threads(cut_out: CutOut) -> None:
    lazy, picture = CutOut(), on_white("navy")[0]
    with ThreadPoolExecutor(8) as threads:
        masks = list(threads.map(lazy.mask, [picture] * 16))
    assert all(np.array_equal(mask, cut_out.mask(picture)) for mask in masks)


def test_file_is_small_and_named_in_the_card(card: ModelCard) -> None:
    named = card.document["cut_out"]
    assert named["file"] == CUTOUT_PATH.name
    assert named["sha256"] == hashlib.sha256(CUTOUT_PATH.read_bytes()).hexdigest()
    assert CUTOUT_PATH.stat().st_size <= 200 * 1024


@pytest.mark.slow
def test_processor_without_vnni_gives_the_same_masks(cut_out: CutOut, datasets_dir: Path, tmp_path: Path) -> None:
    paths = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))[::17]
    images = np.stack([np.asarray(Image.open(path).convert("RGB").resize((96, 96))) for path in paths])
    here = [cut_out.mask(Image.fromarray(image)) for image in images]
    assert np.array_equal(on_haswell(PREDICT, images, tmp_path), here)
