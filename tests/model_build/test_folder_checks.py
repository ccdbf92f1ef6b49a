"""Checks of a folder of images: what stops a training, and what is a warning."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from model_build.datasets.folder import read_folder
from model_build.datasets.folder_checks import MOST_CLASSES, group_findings
from tests.model_build.folders import findings, touched
from tests.support.drawn_classes import draw_classes


def test_good_folder_has_no_errors(shop: Path) -> None:
    assert True not in findings(shop).values()


def test_broken_folders_are_errors_in_clear_sentences(shop: Path) -> None:
    (shop / "disk" / "text.jpg").write_text("no image")
    (shop / "few").mkdir()
    shutil.copy(shop / "disk" / "0.png", shop / "few")
    (shop / "disk" / "notes.txt").touch()
    found = findings(shop)
    assert found["1 file that cannot be read: disk/text.jpg (unknown image format; supported formats: PNG, JPEG, WebP, "
                 "GIF, BMP, TIFF, AVIF, HEIC)"]  # fmt: skip
    assert found["1 class with fewer than 5 images: few has 1"]
    assert not found["1 file among the images that are none, left out: disk/notes.txt"]
    assert not found["1 pair of copies in two classes: one label is wrong: disk/0.png and few/0.png"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["hat/1.png"], "there is only the class 'hat': a classifier needs two or more"),
        (["a/1.png", "b/notes.txt"], "1 class without images: b"),
        (
            ["train/a/1.png", "test/a/1.png", "other/2.png"],
            "train and test are classes here, since other folders are beside them: move those away",
        ),
        (["Hat/1.png", "hat/1.png"], "names of classes differ only in case: Hat and hat"),
        (
            [f"{i}/1.png" for i in range(MOST_CLASSES + 1)],
            "there are 1,001 classes, more than the 1,000 that a model can have",
        ),
    ],
    ids=["one class", "empty class", "extra part", "case", "too many classes"],
)
def test_names_alone_tell_that_a_folder_is_broken(names: list[str], sentence: str, tmp_path: Path) -> None:
    assert findings(touched(tmp_path / "set", *names))[sentence]


def test_images_without_a_group_are_a_warning(shop: Path) -> None:
    folder = read_folder(shop)
    assert group_findings(folder, {}) == []
    groups = {image.name: "somebody" for image in folder.images[1:]}
    assert [str(each) for each in group_findings(folder, groups)] == [
        f"1 file of 48 that --groups does not name, each parted on its own: {folder.images[0].name}"
    ]


def test_sizes_and_imbalance_are_warnings(tmp_path: Path) -> None:
    shop = draw_classes(tmp_path / "shop", ("a", "b"), count=6)
    for number in range(70):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(shop / "a" / f"plain {number}.png")
    sentences = [sentence for sentence, is_error in findings(shop).items() if not is_error]
    assert any(sentence.startswith("70 files tiny beside the model's 32 pixels") for sentence in sentences)
    assert any("a has 13 times as many images as b" in sentence for sentence in sentences)
