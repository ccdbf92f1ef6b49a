"""Photos of clothes: classes by kind, and the parting by sender."""

from collections import Counter
from pathlib import Path

import pytest

from model_build.datasets.clothing_photos import SHOE_KINDS, ClothingPhoto, are_held_out, clothing_photos


@pytest.fixture(scope="module")
def photos(datasets_dir: Path) -> list[ClothingPhoto]:
    if not (datasets_dir / "clothing-dataset-more").is_dir():
        pytest.skip("the further photos are not in DATASETS_DIR")
    return clothing_photos()


def test_every_kind_of_shoe_has_a_class_of_its_own_and_other_shoes_none(photos: list[ClothingPhoto]) -> None:
    classes = {photo.kind: photo.class_id for photo in photos}
    assert [classes[kind] for kind in SHOE_KINDS] == [5, 7, 9]
    assert classes["other shoes"] is None
    assert "shoes" not in classes


def test_about_a_quarter_of_the_photos_is_held_out_with_every_class(photos: list[ClothingPhoto]) -> None:
    held_out = [photo for photo in photos if photo.held_out]
    assert len(held_out) / len(photos) == pytest.approx(0.25, abs=0.05)
    assert {photo.class_id for photo in held_out} == {None, 0, 1, 2, 3, 4, 5, 6, 7, 9}


def test_no_sender_is_on_both_sides(photos: list[ClothingPhoto]) -> None:
    sides = Counter(sender for sender, _ in {(photo.sender, photo.held_out) for photo in photos})
    assert set(sides.values()) == {1}


def test_photos_are_held_out_by_their_files_as_by_their_senders(photos: list[ClothingPhoto]) -> None:
    assert are_held_out(photo.path for photo in photos) == [photo.held_out for photo in photos]
