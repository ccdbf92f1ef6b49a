"""Parts of a folder of images, for training, validation and test: copies and groups stay together."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_build.checks import WrongFolder
from model_build.datasets.folder import read_folder
from model_build.datasets.parts import copies, parted, read_groups
from tests.model_build.folders import images_of, touched


def test_folders_of_parts_decide_and_missing_ones_come_from_training(tmp_path: Path) -> None:
    names = [f"{part}/{name}/{i}.png" for part in ("train", "test") for name in ("a", "b") for i in range(20)]
    folder = read_folder(touched(tmp_path / "set", *names))
    parts = parted(folder, np.zeros((0, 2), np.int64))
    assert all(
        (part == "test") == image.name.startswith("test/") for part, image in zip(parts, folder.images, strict=True)
    )
    assert 0 < parts.count("validation") < 15


def test_hash_parts_most_for_training_and_some_of_each_class_elsewhere(shop: Path) -> None:
    folder = read_folder(shop)
    parts = parted(folder, np.zeros((0, 2), np.int64))
    of_class = Counter(zip(parts, [image.class_id for image in folder.images], strict=True))
    assert all(of_class[part, class_id] >= 1 for part in ("train", "validation", "test") for class_id in range(4))
    assert parts.count("train") > 30


def test_image_stays_in_its_part_when_others_are_added(tmp_path: Path) -> None:
    names = [f"{name}/{i}.png" for name in "ab" for i in range(100)]
    few = read_folder(touched(tmp_path, *names))
    before = dict(zip([image.name for image in few.images], parted(few, np.zeros((0, 2), np.int64)), strict=True))
    more = read_folder(touched(tmp_path, *(f"c/{i}.png" for i in range(100))))
    after = dict(zip([image.name for image in more.images], parted(more, np.zeros((0, 2), np.int64)), strict=True))
    assert {name: after[name] for name in before} == before


def test_copies_in_other_sizes_and_formats_are_in_one_part(shop: Path, tmp_path: Path) -> None:
    for source in (shop / "disk").glob("*.png"):
        with Image.open(source) as image:
            larger = image.resize((image.width * 3, image.height * 3), Image.Resampling.BICUBIC)
            larger.save(source.with_suffix(".jpg"), quality=70)
    folder = read_folder(shop)
    pairs = copies(images_of(folder, tmp_path).thumbnails)
    parts = dict(zip([image.name for image in folder.images], parted(folder, pairs), strict=True))
    assert len(pairs) == 12
    assert all(parts[f"disk/{i}.png"] == parts[f"disk/{i}.jpg"] for i in range(12))


def test_groups_are_in_one_part(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    lines = [f"{path.relative_to(shop).as_posix()},sender {int(path.stem) % 6}" for path in shop.glob("*/*.png")]
    file.write_text("\n".join(["image,group", *lines]), encoding="utf-8")
    folder = read_folder(shop)
    groups = read_groups(file, folder)
    parts = parted(folder, np.zeros((0, 2), np.int64), groups)
    by_group = {(groups[image.name], part) for image, part in zip(folder.images, parts, strict=True)}
    assert len(by_group) == 6
    assert len(set(parts)) == 3


def test_groups_of_other_images_are_refused(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("image,group\nother,1\n")
    with pytest.raises(WrongFolder, match="names no image"):
        read_groups(tmp_path / "groups.csv", read_folder(shop))


def test_images_with_an_empty_group_are_parted_on_their_own(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("image,group\ndisk/0.png,\ndisk/1.png, \ndisk/2.png,a\n")
    folder = read_folder(shop)
    assert read_groups(tmp_path / "groups.csv", folder) == {"disk/2.png": "a"}
    (tmp_path / "groups.csv").write_text("image,group\ndisk/0.png,\n")
    with pytest.raises(WrongFolder, match=r"names no image of .* with a group"):
        read_groups(tmp_path / "groups.csv", folder)


def test_image_in_two_groups_is_refused(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("image,group\ndisk/0.png,a\ndisk/0.png,b\n")
    with pytest.raises(WrongFolder, match=r"has 'disk/0.png' in two groups, 'a' and 'b'"):
        read_groups(tmp_path / "groups.csv", read_folder(shop))


def test_accents_in_a_file_of_groups_may_be_written_otherwise(tmp_path: Path) -> None:
    touched(tmp_path / "shop", "hat/e\u0301.png", "cap/1.png")
    (tmp_path / "groups.csv").write_text("hat/\u00e9.png,a\n", encoding="utf-8")
    assert read_groups(tmp_path / "groups.csv", read_folder(tmp_path / "shop")) == {"hat/e\u0301.png": "a"}
