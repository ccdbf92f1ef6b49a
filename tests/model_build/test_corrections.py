"""Visitors' corrections, as they are downloaded, are photos to train on."""

from pathlib import Path

import pytest

from handler.inference.classifier import read_card
from handler.result_keys import NO_CLASS, class_folders
from model_build.checks import WrongFolder
from model_build.colour.images import NONE, stored_photos
from model_build.datasets.clothing_photos import corrections
from tests.support.images import encoded, trousers


def add(folder: Path, name: str, side: int = 90) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encoded(trousers(side), "JPEG"))
    path.with_suffix(".json").write_text("{}")


def test_each_folder_is_a_class_and_none_is_held_out(tmp_path: Path) -> None:
    labels = read_card().labels
    for class_id, folder in enumerate(class_folders([label.english for label in labels])):
        add(tmp_path, f"{folder}/{class_id}.jpg")
    add(tmp_path, f"{NO_CLASS}/a.jpg")
    found = corrections(tmp_path)
    assert {photo.path.stem: photo.class_id for photo in found} == {
        **{str(label.class_id): label.class_id for label in labels},
        "a": None,
    }
    assert not [photo for photo in found if photo.held_out]


def test_colour_network_takes_them(tmp_path: Path) -> None:
    add(tmp_path, "trouser/a.jpg", 512)
    add(tmp_path, "none/b.jpg", 40)
    stored = stored_photos(corrections(tmp_path), tmp_path / "photos.npy")
    assert stored.classes.tolist() == [NONE, 1]


def test_contradictory_corrections_are_left_out(tmp_path: Path) -> None:
    for name in ("dress/a.jpg", "shirt/a.jpg", "shirt/b.jpg"):
        add(tmp_path, name)
    assert [photo.path.stem for photo in corrections(tmp_path)] == ["b"]


def test_unknown_folder_is_named(tmp_path: Path) -> None:
    add(tmp_path, "scarf/a.jpg")
    with pytest.raises(WrongFolder, match="'scarf', which is of no class"):
        corrections(tmp_path)


def test_no_folder_has_no_corrections(tmp_path: Path) -> None:
    assert corrections(tmp_path / "corrections") == []
