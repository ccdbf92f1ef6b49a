"""Fashion-MNIST and MNIST: download, verify, split and normalize."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor

from handler.contract import IMAGE_SIDE, Label, Title
from model_build.checks import ChecksumError, check_array, check_images
from model_build.config import Config
from model_build.datasets.downloads import downloading

DATA_DIR: Final = Path("data")

_CHINESE_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Dataset:
    """Description of a dataset: its source, labels, statistics and checksums.

    `mean` and `std` are those of the 60,000 training images, in grey levels. They are rounded to whole levels, so that
    normalizing is the same as dequantizing with an integer zero point.
    """

    name: str
    torchvision_class: type[torchvision.datasets.MNIST]
    source: str
    licence: str
    title: Title
    labels: tuple[Label, ...]
    mean: int
    std: int
    mirrored_is_same: bool  # whether a mirrored image is an equally good example of its class
    has_photos: bool  # whether the photo dataset shows the same classes
    text_is_unknown: bool  # whether letters and digits are outside of the classes
    md5: Mapping[str, tuple[str, ...]]  # of the uncompressed files; more than one where copies are known to differ

    @property
    def folder(self) -> Path:
        """Where torchvision keeps the raw files, below a root."""
        return Path(self.torchvision_class.__name__, "raw")


FASHION_MNIST: Final = Dataset(
    name="fashion-mnist",
    torchvision_class=torchvision.datasets.FashionMNIST,
    source="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    title=Title("clothes", "服装"),
    labels=tuple(
        Label(class_id, english, chinese)
        for class_id, (english, chinese) in enumerate(
            [
                ("T-shirt/top", "T恤"),
                ("Trouser", "裤子"),
                ("Pullover", "套头衫"),
                ("Dress", "连衣裙"),
                ("Coat", "外套"),
                ("Sandal", "凉鞋"),
                ("Shirt", "衬衫"),
                ("Sneaker", "运动鞋"),
                ("Bag", "包"),
                ("Ankle boot", "踝靴"),
            ]
        )
    ),
    mean=73,
    std=90,
    mirrored_is_same=True,
    has_photos=True,
    text_is_unknown=True,
    md5={
        "train-images-idx3-ubyte": ("f4a8712d7a061bf5bd6d2ca38dc4d50a",),
        "train-labels-idx1-ubyte": ("9018921c3c673c538a1fc5bad174d6f9",),
        "t10k-images-idx3-ubyte": ("8181f5470baa50b63fa0f6fddb340f0a",),
        "t10k-labels-idx1-ubyte": ("15d484375f8d13e6eb1aabb0c3f46965",),
    },
)

MNIST: Final = Dataset(
    name="mnist",
    torchvision_class=torchvision.datasets.MNIST,
    source="http://yann.lecun.com/exdb/mnist",
    licence="CC BY-SA 3.0",
    title=Title("digits", "数字"),
    labels=tuple(Label(digit, str(digit), _CHINESE_DIGITS[digit]) for digit in range(10)),
    mean=33,
    std=79,
    mirrored_is_same=False,
    has_photos=False,
    text_is_unknown=False,
    md5={
        "train-images-idx3-ubyte": (
            "6bbc9ace898e44ae57da46a324031adb",
            "2120c626b3f721358a650005d9261aaf",  # rebuilt from lossless sheets that show a pixel of 1 as 0
        ),
        "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624",),
        "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea",),
        "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637",),
    },
)

DATASETS: Final = {dataset.name: dataset for dataset in (FASHION_MNIST, MNIST)}


@dataclass(frozen=True)
class LabelledImages:
    """`images` (N, 28, 28) uint8, bright on black, and `labels` (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "LabelledImages":
        return LabelledImages(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Splits:
    """The 60,000 training images, split into training and validation; and the 10,000 test images."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


def download(dataset: Dataset, root: Path = DATA_DIR) -> Mapping[str, str]:
    """Download `dataset` below `root` and return the MD5 of each of its files.

    The files are copied from the folder in DATASETS_DIR if it has them, and else fetched from their public source.
    Raises ChecksumError if a file is wrong, DatasetUnavailable if it is missing.
    """
    _copy_local_files(dataset, root)
    with downloading(str(Path(dataset.name) / dataset.folder), dataset.source):
        for train in (True, False):
            dataset.torchvision_class(root, train=train, download=True)
    return verify(dataset, root)


def verify(dataset: Dataset, root: Path = DATA_DIR) -> Mapping[str, str]:
    """The MD5 of each uncompressed file of `dataset` below `root`. Raises ChecksumError if one is wrong."""
    found = {name: _md5(root / dataset.folder / name) for name in dataset.md5}
    for name, checksum in found.items():
        if checksum not in dataset.md5[name]:
            expected = " or ".join(dataset.md5[name])
            raise ChecksumError(f"{root / dataset.folder / name} has MD5 {checksum}, expected {expected}")
    return found


def load(config: Config, root: Path = DATA_DIR) -> Splits:
    """Images of `config.dataset`; the validation images are drawn from the training images by `config.seed`."""
    dataset = DATASETS[config.dataset]
    download(dataset, root)
    training, test = (_labelled_images(dataset, root, train=train) for train in (True, False))
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(config.seed))
    validation, train = order[: config.validation_images], order[config.validation_images :]
    return Splits(training[train[: config.train_images]], training[validation], test)


def normalize(images: Tensor, dataset: Dataset) -> Tensor:
    """uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) with mean 0 and std 1 over the training set."""
    check_array("images to normalize", images, "uint8", ("N", IMAGE_SIDE, IMAGE_SIDE))
    return (images.unsqueeze(1).float() - dataset.mean) / dataset.std


def doubtful_below(config: Config) -> float:
    """The probability below which mirror images help; 0 where a mirrored image may be of another class."""
    return config.doubtful_below if DATASETS[config.dataset].mirrored_is_same else 0.0


def titled_images(dataset: Dataset, count: int, root: Path = DATA_DIR) -> tuple[NDArray[np.uint8], list[str]]:
    """The first `count` training images (count, 28, 28) and the names of their classes."""
    download(dataset, root)
    first = _labelled_images(dataset, root, train=True)[:count]
    return first.images.numpy(), [dataset.labels[label].english for label in first.labels.tolist()]


def _labelled_images(dataset: Dataset, root: Path, *, train: bool) -> LabelledImages:
    loaded = dataset.torchvision_class(root, train=train)
    name = f"{dataset.name}, {'training' if train else 'test'}"
    check_images(f"{name} images", loaded.data)
    check_array(f"{name} labels", loaded.targets, "int64", (len(loaded.data),))
    return LabelledImages(loaded.data, loaded.targets)


def _copy_local_files(dataset: Dataset, root: Path) -> None:
    local = os.environ.get("DATASETS_DIR")
    source, target = Path(local or ".", dataset.name) / dataset.folder, root / dataset.folder
    if not local or not source.is_dir():
        return
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if not (target / file.name).exists():
            unfinished = target / f"{file.name}.part"
            shutil.copyfile(file, unfinished)
            unfinished.replace(target / file.name)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
