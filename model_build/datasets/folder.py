"""Folder of images as a dataset: one folder per class, as torchvision.datasets.ImageFolder has it.

    my-shop/red shoes/1.jpg             my-shop/train/red shoes/1.jpg             my-shop/labels.csv
    my-shop/blue shoes/2.jpg            my-shop/test/blue shoes/2.jpg             folder,english,chinese

Parts (train, validation, test) above the classes and labels.csv are optional. Its folder `.` is the whole: shoes.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from handler.contract import Label, Title
from model_build.checks import WrongFolder
from model_build.datasets.tables import read_table

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
PARTS: Final = (TRAIN, VALIDATION, TEST)
LABELS_FILE: Final = "labels.csv"
_WHOLE: Final = "."  # the folder of labels.csv whose names are those of all classes together, such as "shoes"
SUFFIXES: Final = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)

_PART_OF_NAME: Final = {TRAIN: TRAIN, VALIDATION: VALIDATION, "valid": VALIDATION, "val": VALIDATION, TEST: TEST}
# Beside all names that begin with a dot: files, and folders of macOS's archives, Synology's previews, file systems.
_OF_SYSTEMS: Final = frozenset({"thumbs.db", "desktop.ini"})
_FOLDERS_OF_SYSTEMS: Final = frozenset(
    {"__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
)


@dataclass(frozen=True)
class ImageFile:
    """One image: its path below the folder, with slashes; its class; and its part, if the folders say it."""

    name: str
    class_id: int
    part: str | None


@dataclass(frozen=True)
class Folder:
    """What a folder holds. `others` are the files among the images that are none by their names.

    `passed_over` are folders that systems and tools leave, which are no classes; `loose` are images beside the classes.
    """

    path: Path
    classes: tuple[str, ...]  # names of the folders, sorted; a class id is a place in them
    images: tuple[ImageFile, ...]
    others: tuple[str, ...]
    labels: tuple[Label, ...]
    passed_over: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    title: Title | None = None  # what the classes are, if labels.csv says it

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def is_parted(self) -> bool:
        """Whether there are folders of parts above the classes."""
        return any(image.part for image in self.images)

    def counts(self) -> list[int]:
        """Number of images of each class."""
        counts = [0] * len(self.classes)
        for image in self.images:
            counts[image.class_id] += 1
        return counts


def read_folder(path: Path) -> Folder:
    """List the images of the folder at `path`, without opening them.

    Raises WrongFolder if it is missing, cannot be read or has no folder of a class, or if labels.csv does not fit.
    """
    try:
        return _read(path)
    except OSError as error:
        raise WrongFolder(f"{error.filename or path} cannot be read: {error.strerror or error}") from error


def composed(name: str) -> str:
    """`name` with each accented letter as one character; macOS and archives made there write two."""
    return unicodedata.normalize("NFC", name)


def _read(path: Path) -> Folder:
    if not path.is_dir():
        raise WrongFolder(
            f"{path} is {'a file' if path.exists() else 'missing'}: give a folder of one folder per class"
        )
    roots = _part_folders(path)
    folders = [(part, each) for root, part in roots.items() for each in _subfolders(root)]
    if not folders:
        raise WrongFolder(f"{path} holds no folders: put the images of each class into a folder named after the class")
    classes = tuple(sorted({folder.name for _, folder in folders}))
    images, others = [], []
    for part, folder in folders:
        for file in _files(folder):
            name = file.relative_to(path).as_posix()
            if file.suffix.lower() in SUFFIXES:
                images.append(ImageFile(name, classes.index(folder.name), part))
            else:
                others.append(name)
    if wrong := next((name for name in (*classes, *(i.name for i in images), *others) if not _is_text(name)), None):
        written = wrong.encode("utf-8", "replace").decode()
        raise WrongFolder(f"{path} has a name that is not in UTF-8, {written!r}: rename it")
    images.sort(key=lambda image: image.name)
    beside = [(each, each.relative_to(path).as_posix()) for root in {path, *roots} for each in root.iterdir()]
    passed_over = tuple(sorted(name for each, name in beside if _is_left(each)))
    loose = tuple(sorted(name for each, name in beside if _is_image_file(each)))
    names = _named(path / LABELS_FILE)
    title = Title(*names.pop(_WHOLE)) if _WHOLE in names else None
    labels = _labels(path / LABELS_FILE, names, classes)
    return Folder(path, classes, tuple(images), tuple(sorted(others)), labels, passed_over, loose, title)


def _part_folders(path: Path) -> Mapping[Path, str | None]:
    """The folders that hold those of the classes, each with its part; the folder itself if it has no parts."""
    folders = _subfolders(path)
    parts = {folder: _PART_OF_NAME.get(folder.name.lower()) for folder in folders}
    if TRAIN in parts.values() and all(parts.values()):
        return parts
    return {path: None}


def _subfolders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir() and not _is_left(each))


def _is_left(path: Path) -> bool:
    """Whether `path` is a folder that a system or a tool has left."""
    return path.is_dir() and (path.name.startswith(".") or path.name.lower() in _FOLDERS_OF_SYSTEMS)


def _is_image_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # of bytes in another encoding, as old archives have them
        return False
    return True


def _files(folder: Path) -> list[Path]:
    """All files below `folder`, except those that systems leave in folders of images."""
    next(folder.iterdir(), None)  # raises PermissionError, which `rglob` would pass over
    return [
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not file.name.startswith(".")
        and file.name.lower() not in _OF_SYSTEMS
        and not any(map(_is_left, _folders_between(folder, file)))
    ]


def _folders_between(folder: Path, file: Path) -> list[Path]:
    """The folders below `folder` in which `file` is."""
    return list(file.parents)[: len(file.relative_to(folder).parts) - 1]


def _labels(path: Path, given_names: Mapping[str, tuple[str, str]], classes: Sequence[str]) -> tuple[Label, ...]:
    """A label for each class: as the file at `path` names it, or else as its folder is named."""
    by_name = {composed(name): name for name in classes}
    names = {by_name.get(composed(name), name): each for name, each in given_names.items()}
    if wrong := sorted(set(names) - set(classes)):
        raise WrongFolder(
            f"{path} names the folder {wrong[0]!r}, which is not there; there are {', '.join(classes[:10])}"
        )
    given = [names.get(name, (name, name)) for name in classes]
    return tuple(Label(class_id, english, chinese) for class_id, (english, chinese) in enumerate(given))


def _named(path: Path) -> dict[str, tuple[str, str]]:
    """English and Chinese names by folder, from the file at `path` if there is one. Raises WrongFolder."""
    if not path.is_file():
        return {}
    header, *rows = read_table(path) or [[]]
    if header and not {"folder", "english"} <= set(header):
        raise WrongFolder(f"{path} needs the columns folder,english,chinese (the last may be missing)")
    named = [dict(zip_longest(header, row[: len(header)], fillvalue="")) for row in rows]
    folders = [row["folder"] for row in named]
    if not all(folders):
        raise WrongFolder(f"{path} has a line without a folder: expected the columns folder,english,chinese")
    if twice := next((name for name in folders if folders.count(name) > 1), None):
        raise WrongFolder(f"{path} names the folder {twice!r} twice")
    return {
        row["folder"]: (row["english"] or row["folder"], row.get("chinese") or row["english"] or row["folder"])
        for row in named
        if row["english"] or row.get("chinese") or row["folder"] != _WHOLE
    }
