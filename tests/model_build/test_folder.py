"""Folders of images: what is found in them, how they are parted, what is wrong with them."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handler.contract import InputFormat
from model_build.checks import DatasetUnavailable, WrongFolder
from model_build.datasets.folder import Folder, read_folder
from model_build.datasets.folder_checks import MOST_CLASSES, image_findings, name_findings
from model_build.datasets.named import folder_of, write_part
from model_build.datasets.parts import copies, parted, read_groups
from model_build.datasets.stored import StoredImages, stored_images
from tests.support.drawn_classes import CLASSES, draw_classes

FORM = InputFormat(32, 3, "resize")


def touched(root: Path, *names: str) -> Path:
    """`root` with empty files of these names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def findings(path: Path) -> dict[str, bool]:
    """All that is found in the folder at `path`: sentences, and whether they are errors."""
    folder = read_folder(path)
    found = name_findings(folder)
    if not any(each.is_error for each in found):
        images = stored_images(folder, FORM, path.parent / "cache")
        pairs = copies(images.thumbnails)
        found += image_findings(folder, images, pairs, parted(folder, pairs), FORM.side)
    return {str(each): each.is_error for each in found}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return draw_classes(tmp_path / "my-shop")


def images_of(folder: Folder, tmp_path: Path) -> StoredImages:
    return stored_images(folder, FORM, tmp_path / "cache")


def test_classes_are_the_folders_in_order_with_their_names_as_labels(shop: Path) -> None:
    folder = read_folder(shop)
    assert folder.name == "my-shop"
    assert folder.classes == tuple(sorted(CLASSES))
    assert [label.english for label in folder.labels] == [label.chinese for label in folder.labels] == sorted(CLASSES)
    assert folder.counts() == [12] * 4


def test_labels_file_names_the_classes(shop: Path) -> None:
    (shop / "labels.csv").write_text("folder,english,chinese\ndisk,Disk,圆盘\nstripes,Stripes,\n", encoding="utf-8")
    labels = {label.english: label.chinese for label in read_folder(shop).labels}
    assert labels == {"Disk": "圆盘", "große Kreuze": "große Kreuze", "Stripes": "Stripes", "方块": "方块"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [("folder,english\nhat,Hat\n", "names the folder 'hat'"), ("class,name\na,b\n", "needs the columns")],
    ids=["unknown folder", "other columns"],
)
def test_wrong_labels_file_is_refused(content: str, problem: str, shop: Path) -> None:
    (shop / "labels.csv").write_text(content)
    with pytest.raises(WrongFolder, match=problem):
        read_folder(shop)


def test_folders_of_parts_decide_and_missing_ones_come_from_training(tmp_path: Path) -> None:
    names = [f"{part}/{name}/{i}.png" for part in ("train", "test") for name in ("a", "b") for i in range(20)]
    folder = read_folder(touched(tmp_path / "set", *names))
    parts = parted(folder, np.zeros((0, 2), np.int64))
    assert all(
        (part == "test") == image.name.startswith("test/") for part, image in zip(parts, folder.images, strict=True)
    )
    assert 0 < parts.count("validation") < 15


def test_folder_named_train_beside_others_is_a_class(tmp_path: Path) -> None:
    assert read_folder(touched(tmp_path, "train/1.png", "bus/1.png")).classes == ("bus", "train")


def test_files_of_systems_and_other_files_are_no_images(tmp_path: Path) -> None:
    folder = read_folder(touched(tmp_path, "a/1.JPG", "a/.DS_Store", "a/Thumbs.db", "a/notes.txt", "b/deep/2.webp"))
    assert [image.name for image in folder.images] == ["a/1.JPG", "b/deep/2.webp"]
    assert folder.others == ("a/notes.txt",)


def test_names_in_another_encoding_are_refused(tmp_path: Path) -> None:
    touched(tmp_path, "hat/1.png", "M\udcfctze/1.png")
    with pytest.raises(WrongFolder, match=r"a name that is not in UTF-8, 'M\?tze': rename it"):
        read_folder(tmp_path)


def test_accents_in_two_characters_are_the_same_name(tmp_path: Path) -> None:
    touched(tmp_path, "hat/1.png", "Mu\u0308tze/1.png")
    (tmp_path / "labels.csv").write_text("folder,english\nM\u00fctze,Cap\n", encoding="utf-8")
    assert [label.english for label in read_folder(tmp_path).labels] == ["Cap", "hat"]
    (tmp_path / "labels.csv").unlink()
    touched(tmp_path, "M\u00fctze/1.png")
    assert any("only in how accents are written" in sentence for sentence in findings(tmp_path))


def test_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched(tmp_path, "hat/1.png", "cap/1.png")
    listed = Path.iterdir

    def refused(path: Path) -> object:
        if path.name == "hat":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(WrongFolder, match="hat cannot be read: Permission denied"):
        read_folder(tmp_path)


def test_images_that_changed_places_are_read_again(shop: Path, tmp_path: Path) -> None:
    before = images_of(read_folder(shop), tmp_path).thumbnails[0].copy()
    one, other = shop / "disk" / "0.png", shop / "disk" / "1.png"
    size = max(file.stat().st_size for file in (one, other))
    for file in (one, other):
        file.write_bytes(file.read_bytes().ljust(size, b"\0"))
        os.utime(file, (1, 1))
    first = images_of(read_folder(shop), tmp_path)
    one.rename(shop / "x")
    other.rename(one)
    (shop / "x").rename(other)
    assert not np.array_equal(images_of(read_folder(shop), tmp_path).thumbnails[0], before)
    assert len(first) == 48


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(WrongFolder, match="is missing"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(WrongFolder, match="holds no folders"):
        read_folder(tmp_path)


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


def test_images_are_stored_as_the_server_prepares_them_and_read_once(shop: Path, tmp_path: Path) -> None:
    folder = read_folder(shop)
    images = images_of(folder, tmp_path)
    assert images.served.shape == (48, 1, 3, 32, 32)
    assert images.wide.shape == (48, 1, 3, 38, 38)
    assert not images.errors
    shutil.rmtree(shop / "disk")
    assert np.array_equal(np.load(next((tmp_path / "cache").glob("*/served.npy"))), images.served)


def test_cut_out_images_have_several_views(shop: Path, tmp_path: Path) -> None:
    images = stored_images(read_folder(shop), InputFormat(28, 1, "cut-out"), tmp_path)
    assert images.served.shape == (48, 4, 1, 28, 28)


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
    assert not found["1 pictures in two classes: one label is wrong: disk/0.png and few/0.png"]


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


def test_sizes_and_imbalance_are_warnings(tmp_path: Path) -> None:
    shop = draw_classes(tmp_path / "shop", ("a", "b"), count=6)
    for number in range(70):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(shop / "a" / f"plain {number}.png")
    sentences = [sentence for sentence, is_error in findings(shop).items() if not is_error]
    assert any(sentence.startswith("70 files tiny beside the model's 32 pixels") for sentence in sentences)
    assert any("a has 13 times as many images as b" in sentence for sentence in sentences)


class Squares:
    """As a dataset of torchvision: images with class ids, and names of the classes."""

    classes = ("N/A", "a", "b/c")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        return Image.fromarray(np.array([[place, 9], [0, 0]], np.uint8)), 1 + place % 2


def test_dataset_of_torchvision_becomes_a_folder(tmp_path: Path) -> None:
    write_part(Squares(), tmp_path / "train", transposed=True)
    assert read_folder(tmp_path).classes == ("a", "b c")
    with Image.open(tmp_path / "train" / "a" / "000002.png") as image:
        assert np.asarray(image).tolist() == [[2, 0], [9, 0]]


def test_unknown_name_lists_the_names(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetUnavailable, match=r"neither a folder nor the name of a dataset .*fashion-mnist, mnist, kmnist"
    ):
        folder_of("my-shpo", tmp_path)


def idx_file(path: Path, array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    """Write `array` as MNIST's files are: a magic number, the sides, the bytes."""
    sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sides + array.tobytes())


@pytest.mark.parametrize(
    ("name", "folder", "prefixes", "first"),
    [
        ("kmnist", "KMNIST", ("train", "t10k"), 0),
        ("emnist-letters", "EMNIST", ("emnist-letters-train", "emnist-letters-test"), 1),
    ],
)
def test_dataset_by_name_becomes_a_folder(
    name: str, folder: str, prefixes: tuple[str, str], first: int, tmp_path: Path
) -> None:
    images = np.zeros((4, 28, 28), np.uint8)
    images[:, 3, 20] = 255
    for prefix in prefixes:
        idx_file(tmp_path / folder / "raw" / f"{prefix}-images-idx3-ubyte", images)
        idx_file(tmp_path / folder / "raw" / f"{prefix}-labels-idx1-ubyte", np.arange(first, first + 4, dtype=np.uint8))
    found = read_folder(folder_of(name, tmp_path))
    assert len(found.classes) == 4
    assert [image.part for image in found.images] == ["test"] * 4 + ["train"] * 4
    with Image.open(found.path / found.images[0].name) as image:
        assert np.asarray(image)[(20, 3) if name == "emnist-letters" else (3, 20)] == 255
