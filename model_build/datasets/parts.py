"""Split images into training, validation and test: 80/10/10 by hash, copies and groups on one side.

An image stays in its part when others are added. Copies are found by their pixels: grey thumbnails that correlate.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.checks import WrongFolder
from model_build.datasets.folder import PARTS, TEST, TRAIN, VALIDATION, Folder, composed
from model_build.datasets.tables import read_table

_HELD_OUT_SHARE: Final = 0.1  # of the images, for each of validation and test
_COPY_CORRELATION: Final = 0.99  # of thumbnails; copies in other sizes and qualities have more, other photos under 0.95
_FLATTEST: Final = 2.0  # grey levels; thumbnails that deviate less show nothing that could be compared
_ROWS: Final = 2_048  # thumbnails that are compared with all at once

Pairs = NDArray[np.int64]  # (pairs, 2): places of two images


def read_groups(path: Path, folder: Folder) -> Mapping[str, str]:
    """The group of each image that the CSV file at `path` names: image and group are its first two columns.

    An image may be named by its path in the folder, its file name, or that without the ending. Raises WrongFolder.
    """
    rows = read_table(path)
    if short := next((row for row in rows if len(row) < 2), None):
        raise WrongFolder(f"{path} has a line without a group, {short[0]!r}: expected the columns image,group")
    groups = _groups_by_name(path, rows)
    found: dict[str, str] = {}
    for image in folder.images:
        file = Path(composed(image.name))
        if key := next((name for name in (file.as_posix(), file.name, file.stem) if name in groups), None):
            found[image.name] = groups[key]
    if not found:
        raise WrongFolder(
            f"{path} names no image of {folder.path} with a group: its first column should be names of files, "
            "its second one their groups"
        )
    return found


def _groups_by_name(path: Path, rows: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """The group of each name; a name without a group is left out. Raises WrongFolder if one has two groups."""
    groups: dict[str, str] = {}
    for row in rows:
        name, group = composed(row[0]), row[1].strip()
        if group and groups.setdefault(name, group) != group:
            raise WrongFolder(f"{path} has {name!r} in two groups, {groups[name]!r} and {group!r}")
    return groups


def copies(thumbnails: NDArray[np.uint8]) -> Pairs:
    """Pairs of images that show the same picture, by their grey thumbnails (N, side, side)."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    deviations = flat.std(axis=1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    flat[deviations < _FLATTEST] = 0
    found = [_above(flat, start) for start in range(0, len(flat), _ROWS)]
    return np.concatenate([np.zeros((0, 2), np.int64), *found])


def parted(folder: Folder, pairs: Pairs, groups: Mapping[str, str] | None = None) -> list[str]:
    """The part of each image of `folder`: train, validation or test.

    Folders of parts above the classes decide, except for parts that are not there; those are taken from training. With
    `groups` they are put together and parted anew, since a group may be in several.
    """
    given = [None if groups else image.part for image in folder.images]
    free = np.array([part in (None, TRAIN) for part in given])
    missing = [part for part in (TEST, VALIDATION) if part not in given]
    keys = _keys(folder, pairs, groups or {})
    classes = np.array([image.class_id for image in folder.images])
    parts = np.array([part or TRAIN for part in given], dtype=object)
    shares = {key: _share(key) for key in set(keys)}
    drawn = np.array([shares[key] for key in keys])
    for place, part in enumerate(missing):
        low = place * _HELD_OUT_SHARE
        parts[free & (drawn >= low) & (drawn < low + _HELD_OUT_SHARE)] = part
    for part in missing:
        _give_each_class_one(parts, part, free, classes, np.array(keys), drawn)
    return [str(part) for part in parts]


def counts_by_part(parts: Sequence[str]) -> Mapping[str, int]:
    return {part: sum(each == part for each in parts) for part in PARTS}


def _give_each_class_one(  # noqa: PLR0913, PLR0917  # one table, by columns
    parts: NDArray[np.object_],
    part: str,
    free: NDArray[np.bool_],
    classes: NDArray[np.int64],
    keys: NDArray[np.str_],
    drawn: NDArray[np.float64],
) -> None:
    """Move, for each class that `part` lacks, the group that is drawn first, if training keeps another of its class."""
    for class_id in np.unique(classes):
        in_class = (classes == class_id) & free
        if (parts[classes == class_id] == part).any():
            continue
        left = in_class & (parts == TRAIN)
        for key in sorted(set(keys[left]), key=lambda key: float(drawn[keys == key][0])):
            if (keys[left] != key).any() and _keeps_all_classes(parts, keys == key, classes):
                parts[(keys == key) & free] = part
                break


def _keeps_all_classes(parts: NDArray[np.object_], moved: NDArray[np.bool_], classes: NDArray[np.int64]) -> bool:
    """Whether training still has each class of the `moved` images without them."""
    staying = set(classes[(parts == TRAIN) & ~moved].tolist())
    return set(classes[moved].tolist()) <= staying


def _keys(folder: Folder, pairs: Pairs, groups: Mapping[str, str]) -> list[str]:
    """What is hashed for each image: the least name of all that must be on its side."""
    own = [f"group {groups[image.name]}" if image.name in groups else image.name for image in folder.images]
    least = {key: key for key in own}

    def root(key: str) -> str:
        while least[key] != key:
            least[key] = key = least[least[key]]
        return key

    for first, second in pairs.tolist():
        low, high = sorted((root(own[first]), root(own[second])))
        least[high] = low
    return [root(key) for key in own]


def _share(key: str) -> float:
    """A number from 0 to 1 that depends on `key` alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64


def _above(flat: NDArray[np.float32], start: int) -> Pairs:
    """Pairs of which the first is one of `_ROWS` from `start` on, and the second comes later."""
    rows = flat[start : start + _ROWS]
    similar = np.argwhere(rows @ flat[start:].T > _COPY_CORRELATION)
    return np.array([(start + i, start + j) for i, j in _later(similar)], np.int64).reshape(-1, 2)


def _later(similar: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return ((int(i), int(j)) for i, j in similar if j > i)
