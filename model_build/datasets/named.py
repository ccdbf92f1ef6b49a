"""Datasets by name, as torchvision downloads them: written below data/ as a folder of one folder per class."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torchvision.datasets as torch_datasets
from PIL import Image

from model_build.checks import DatasetUnavailable
from model_build.datasets.downloads import downloading
from model_build.datasets.folder import TEST, TRAIN
from model_build.progress import track

_DONE: Final = ".complete"  # written last into a folder: an interrupted one is begun anew
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in names of folders, on one system or another


@dataclass(frozen=True)
class NamedDataset:
    """A dataset of torchvision: how to open each of its two parts, where it comes from, and how it is trained on."""

    opened: Mapping[str, Callable[..., Any]]  # by part, of a folder and of whether to download it
    source: str
    licence: str
    side: int
    channels: int
    mirror: bool  # whether a mirrored image is an equally good example of its class
    title: tuple[str, str]
    transposed: bool = False  # whether its files have rows for columns


def _parts(
    of: Callable[..., Any], *, key: str = "train", values: tuple[Any, Any] = (True, False), **more: Any
) -> Mapping[str, Any]:
    return {part: partial(of, **{key: value}, **more) for part, value in zip((TRAIN, TEST), values, strict=True)}


NAMED: Final[Mapping[str, NamedDataset]] = {
    "kmnist": NamedDataset(
        _parts(torch_datasets.KMNIST),
        "http://codh.rois.ac.jp/kmnist",
        "CC BY-SA 4.0",
        28,
        1,
        False,
        ("hiragana", "平假名"),
    ),
    "emnist-letters": NamedDataset(
        _parts(torch_datasets.EMNIST, split="letters"),
        "https://www.nist.gov/itl/products-and-services/emnist-dataset",
        "public domain",
        *(28, 1, False, ("letters", "字母")),
        transposed=True,
    ),
    "qmnist": NamedDataset(
        _parts(torch_datasets.QMNIST),
        "https://github.com/facebookresearch/qmnist",
        "BSD-3-Clause",
        28,
        1,
        False,
        ("digits", "数字"),
    ),
    "cifar10": NamedDataset(
        _parts(torch_datasets.CIFAR10),
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "none stated",
        *(32, 3, True, ("objects", "物体")),
    ),
    "oxford-pets": NamedDataset(
        _parts(torch_datasets.OxfordIIITPet, key="split", values=("trainval", "test")),
        "https://www.robots.ox.ac.uk/~vgg/data/pets",
        "CC BY-SA 4.0",
        *(160, 3, True, ("breeds of pets", "宠物品种")),
    ),
}


def dataset_named(name: str) -> NamedDataset | None:
    """The dataset of torchvision by this name; None if it is that of a folder here, or of none."""
    return None if Path(name).exists() else NAMED.get(name)


def folder_of(dataset: str, root: Path) -> Path:
    """The folder `dataset`, or that of the dataset of this name, which is downloaded below `root`.

    Raises DatasetUnavailable, which lists the names.
    """
    if Path(dataset).exists():
        return Path(dataset)
    if dataset not in NAMED:
        names = ", ".join(["fashion-mnist", "mnist", *NAMED])
        raise DatasetUnavailable(f"{dataset!r} is neither a folder nor the name of a dataset ({names})")
    return _written(dataset, NAMED[dataset], root)


def _written(name: str, dataset: NamedDataset, root: Path) -> Path:
    folder = root / name
    if not (folder / _DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True)
        for part, images in _opened(name, dataset, root).items():
            write_part(images, folder / part, transposed=dataset.transposed)
        (folder / _DONE).touch()
    return folder


def _opened(name: str, dataset: NamedDataset, root: Path) -> Mapping[str, Any]:
    """The parts as torchvision reads them: from the folder `name` in that of DATASETS_DIR, or downloaded to `root`."""
    given = Path(os.environ.get("DATASETS_DIR", "")) / name
    is_given = "DATASETS_DIR" in os.environ and given.is_dir()
    source, more = (given, {"download": False}) if is_given else (root, {"download": True})
    with downloading(name, dataset.source):
        return {part: open_part(source, **more) for part, open_part in dataset.opened.items()}


def write_part(images: Any, folder: Path, *, transposed: bool = False) -> None:
    """Write the images of a torchvision dataset as PNG files, in a folder for each class that has any."""
    names = [_folder_name(str(name)) for name in images.classes]
    for number, (image, class_id) in enumerate(track(_items(images), f"writing {folder}", total=len(images))):
        target = folder / names[class_id]
        target.mkdir(parents=True, exist_ok=True)
        upright = image.transpose(Image.Transpose.TRANSPOSE) if transposed else image
        upright.save(target / f"{number:06d}.png", compress_level=1)


def _items(images: Any) -> Iterator[tuple[Image.Image, int]]:
    return (images[place] for place in range(len(images)))


def _folder_name(name: str) -> str:
    return _FORBIDDEN.sub(" ", name).strip() or "none"
