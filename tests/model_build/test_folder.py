"""Folders of images: what is found in them, and names that are refused."""

import os
from pathlib import Path

import pytest

from handler.contract import Title
from model_build.checks import WrongFolder
from model_build.datasets.folder import read_folder
from model_build.datasets.folder_checks import name_findings
from tests.model_build.folders import findings, touched
from tests.support.drawn_classes import CLASSES


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


def test_labels_file_says_what_the_classes_are(shop: Path) -> None:
    assert read_folder(shop).title is None
    (shop / "labels.csv").write_text("folder,english,chinese\n.,shapes,形状\ndisk,Disk,圆盘\n", encoding="utf-8")
    folder = read_folder(shop)
    assert folder.title == Title("shapes", "形状")
    assert {label.english for label in folder.labels} == {"Disk", "große Kreuze", "stripes", "方块"}
    (shop / "labels.csv").write_text("folder,english\n.,\n")
    assert read_folder(shop).title is None


def test_labels_file_may_have_capitals_in_its_name_and_spaces_around_names(shop: Path) -> None:
    (shop / "Labels.CSV").write_text("folder, english, chinese\ndisk, Disk ,\u3000圆盘\nstripes, ,\n", encoding="utf-8")
    labels = {label.english: label.chinese for label in read_folder(shop).labels}
    assert labels == {"Disk": "圆盘", "große Kreuze": "große Kreuze", "stripes": "stripes", "方块": "方块"}
    (shop / "labels.csv").write_text("folder,english\ndisk,Round\n")
    assert "Round" in {label.english for label in read_folder(shop).labels}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["commas", "semicolons", "tabs"])
def test_labels_file_is_read_as_spreadsheets_write_it(delimiter: str, shop: Path) -> None:
    rows = [("folder", "english", "chinese"), ("disk", "Disk", "圆盘"), ("方块", '"a ""box"""'), ("", "", "")]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (shop / "labels.csv").write_text(text, encoding="utf-8-sig")
    labels = {label.english: label.chinese for label in read_folder(shop).labels}
    assert labels == {"Disk": "圆盘", 'a "box"': 'a "box"', "große Kreuze": "große Kreuze", "stripes": "stripes"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [("folder,english\n.,Shoes\nhat,Hat\n", "names the folder 'hat'"), ("class,name\na,b\n", "needs the columns")],
    ids=["unknown folder", "other columns"],
)
def test_wrong_labels_file_is_refused(content: str, problem: str, shop: Path) -> None:
    (shop / "labels.csv").write_text(content)
    with pytest.raises(WrongFolder, match=problem):
        read_folder(shop)


def test_folder_named_train_beside_others_is_a_class(tmp_path: Path) -> None:
    assert read_folder(touched(tmp_path, "train/1.png", "bus/1.png")).classes == ("bus", "train")


def test_files_of_systems_and_other_files_are_no_images(tmp_path: Path) -> None:
    folder = read_folder(touched(tmp_path, "a/1.JPG", "a/.DS_Store", "a/Thumbs.db", "a/notes.txt", "b/deep/2.webp"))
    assert [image.name for image in folder.images] == ["a/1.JPG", "b/deep/2.webp"]
    assert folder.others == ("a/notes.txt",)


def test_folders_of_systems_are_no_classes_and_hold_none(tmp_path: Path) -> None:
    left = ("__MACOSX/a/1.png", "a/@eaDir/1.jpg", "lost+found/1.png", ".ipynb_checkpoints/2.png")
    folder = read_folder(touched(tmp_path, "a/1.png", "b/1.png", *left))
    assert folder.classes == ("a", "b")
    assert [image.name for image in folder.images] == ["a/1.png", "b/1.png"]
    told = "folders of the system or of tools, passed over: .ipynb_checkpoints, __MACOSX, lost+found"
    assert told in {str(each) for each in name_findings(folder)}


def test_images_outside_of_classes_are_a_warning(tmp_path: Path) -> None:
    touched(tmp_path, "train/a/1.png", "train/b/1.png", "train/2.JPG", "3.webp", ".4.png", "notes.txt")
    folder = read_folder(tmp_path)
    assert folder.classes == ("a", "b")
    told = "2 files with images outside of the classes' folders, left out: 3.webp, train/2.JPG"
    assert [each.is_error for each in name_findings(folder) if str(each) == told] == [False]


@pytest.mark.parametrize("name", ["new\nline", "a\tb", "line\u2028end"])
def test_names_with_control_characters_are_errors(name: str, tmp_path: Path) -> None:
    touched(tmp_path, "a/1.png", f"{name}/1.png")
    told = f"names with a line break or another control character: {name!r}"
    assert [each.is_error for each in name_findings(read_folder(tmp_path)) if str(each) == told] == [True]


@pytest.mark.parametrize("name", ["👨\u200d👩\u200d👧", "a\u00a0b", "CON", "-dash", "=1+1", "نعم"])
def test_unusual_names_are_no_errors(name: str, tmp_path: Path) -> None:
    findings_of_names = name_findings(read_folder(touched(tmp_path, "a/1.png", f"{name}/1.png")))
    assert not any(each.is_error for each in findings_of_names)


def test_names_in_another_encoding_are_refused(tmp_path: Path) -> None:
    touched(tmp_path, "hat/1.png", "M\udcfctze/1.png")
    with pytest.raises(WrongFolder, match=r"a name that is not in UTF-8, 'M\?tze': rename it"):
        read_folder(tmp_path)


def test_folder_whose_own_name_is_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFolder, match=r"'sh\?p': rename it"):
        read_folder(touched(tmp_path / "sh\udcf6p", "hat/1.png", "cap/1.png"))


def test_accents_in_two_characters_are_the_same_name(tmp_path: Path) -> None:
    touched(tmp_path, "hat/1.png", "Mu\u0308tze/1.png")
    (tmp_path / "labels.csv").write_text("folder,english\nM\u00fctze,Cap\n", encoding="utf-8")
    assert [label.english for label in read_folder(tmp_path).labels] == ["Cap", "hat"]
    (tmp_path / "labels.csv").unlink()
    touched(tmp_path, "M\u00fctze/1.png")
    assert any("only in how accents are written" in sentence for sentence in findings(tmp_path))


@pytest.mark.parametrize("name", ["hat", "deep"])
def test_folder_that_cannot_be_listed_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched(tmp_path, "hat/deep/1.png", "hat/1.png", "cap/1.png")
    scanned = os.scandir

    def refused(path: str) -> object:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return scanned(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(WrongFolder, match=f"{name} cannot be read: Permission denied"):
        read_folder(tmp_path)


def test_links_that_are_not_followed_are_told(shop: Path) -> None:
    (shop / "disk" / "gone.png").symlink_to("nowhere.png")
    (shop / "disk" / "loop.png").symlink_to("loop.png")
    (shop / "disk" / "more").symlink_to(shop / "stripes")
    (shop / "disk" / "all").symlink_to(shop)
    (shop / "hats").symlink_to("nowhere")
    os.mkfifo(shop / "disk" / "pipe.png")
    told = findings(shop)
    reasons = "No such file or directory", "Too many levels of symbolic links"
    broken = [f"disk/{name}.png (broken link: {why})" for name, why in zip(("gone", "loop"), reasons, strict=True)]
    assert told[f"2 files that cannot be read: {', '.join(broken)}"]
    assert told["links to folders inside of classes, not followed: disk/all, disk/more"] is False
    assert told["broken links beside the classes, left out: hats"] is False
    assert told["1 file among the images that are none, left out: disk/pipe.png"] is False


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(WrongFolder, match="is missing"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(WrongFolder, match="holds no folders"):
        read_folder(tmp_path)
