"""Folder of images as a dataset: one folder per class, as torchvision.datasets.ImageFolder has it.

    my-shop/red shoes/1.jpg             my-shop/train/red shoes/1.jpg             my-shop/labels.csv
    my-shop/blue shoes/2.jpg            my-shop/test/blue shoes/2.jpg             folder,english,chinese

Parts (train, validation, test) above the classes and labels.csv are optional. Its folder `.` is the whole: shoes.
"""

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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
_SPACES: Final = " \u3000"  # Chinese keyboards write the second one

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

    `passed_over` are folders that systems and tools leave, which are no classes; `loose` are images beside the classes,
    and `broken` are links there that lead nowhere; `linked` are links to folders, inside of classes, not followed.
    """

    path: Path
    classes: tuple[str, ...]  # names of the folders, sorted; a class id is a place in them
    images: tuple[ImageFile, ...]
    others: tuple[str, ...]
    labels: tuple[Label, ...]
    passed_over: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
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
    images, others, linked = [], [], []
    for part, folder in folders:
        files, links = _files(folder)
        linked += [_name(link, path) for link in links]
        for file in files:
            if file.suffix.lower() in SUFFIXES and (file.is_file() or _is_broken_link(file)):
                images.append(ImageFile(_name(file, path), classes.index(folder.name), part))
            else:
                others.append(_name(file, path))
    images.sort(key=lambda image: image.name)
    _refuse_other_encodings(path, [path.resolve().name, *classes, *(image.name for image in images), *others])
    labels_file = _labels_file(path)
    names = _named(labels_file)
    title = Title(*names.pop(_WHOLE)) if _WHOLE in names else None
    labels = _labels(labels_file, names, classes)
    beside = [(each, _name(each, path)) for root in {path, *roots} for each in root.iterdir()]
    return Folder(
        path,
        classes,
        tuple(images),
        tuple(sorted(others)),
        labels,
        passed_over=tuple(sorted(name for each, name in beside if _is_left(each))),
        loose=tuple(sorted(name for each, name in beside if _is_image_file(each))),
        broken=tuple(sorted(name for each, name in beside if _is_broken_link(each))),
        linked=tuple(sorted(linked)),
        title=title,
    )


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _refuse_other_encodings(path: Path, names: Iterable[str]) -> None:
    """Raise WrongFolder if one of the `names` in the folder at `path` is not in UTF-8."""
    if wrong := next((name for name in names if not is_text(name)), None):
        written = wrong.encode("utf-8", "replace").decode()
        raise WrongFolder(f"{path} has a name that is not in UTF-8, {written!r}: rename it")


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


def _is_broken_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists() and not path.name.startswith(".")


def is_text(name: str) -> bool:
    """Whether `name` is in UTF-8, so that it can be written into a file."""
    try:
        name.encode()
    except UnicodeEncodeError:  # of bytes in another encoding, as old archives have them
        return False
    return True


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """All files below `folder` except those that systems leave; and links to folders, which are not followed."""
    files, links = [], []
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not _is_left(Path(parent, name))]
        links += [link for name in folders if (link := Path(parent, name)).is_symlink()]
        files += [Path(parent, name) for name in names if not name.startswith(".") and name.lower() not in _OF_SYSTEMS]
    return files, links


def _raise(error: OSError) -> None:
    raise error


def _labels_file(path: Path) -> Path:
    """labels.csv in the folder at `path`, or Labels.csv and the like, which other systems open by the same name."""
    alike = [each for each in sorted(path.iterdir()) if each.name.lower() == LABELS_FILE]
    return next(reversed(alike), path / LABELS_FILE)  # small letters come last


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
    header = [name.strip(_SPACES) for name in header]
    if header and not {"folder", "english"} <= set(header):
        raise WrongFolder(f"{path} needs the columns folder,english,chinese (the last may be missing)")
    named = [dict(zip_longest(header, row[: len(header)], fillvalue="")) for row in rows]
    folders = [row["folder"] for row in named]
    if not all(folders):
        raise WrongFolder(f"{path} has a line without a folder: expected the columns folder,english,chinese")
    if twice := next((name for name in folders if folders.count(name) > 1), None):
        raise WrongFolder(f"{path} names the folder {twice!r} twice")
    given = {row["folder"]: (row["english"].strip(_SPACES), row.get("chinese", "").strip(_SPACES)) for row in named}
    return {
        folder: (english or folder, chinese or english or folder)
        for folder, (english, chinese) in given.items()
        if english or chinese or folder != _WHOLE
    }
