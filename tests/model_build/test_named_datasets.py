"""Datasets by name become folders of images, from torchvision's files."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from model_build.checks import DatasetUnavailable
from model_build.datasets.folder import read_folder
from model_build.datasets.named import NAMED, folder_of, write_part


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


def idx_file(path: Path, array: np.ndarray[tuple[int, ...], np.dtype[Any]]) -> None:
    """Write `array`, of uint8 or int32, as MNIST's files are: a magic number, the sides, the values."""
    kind = 12 if array.dtype == np.int32 else 8
    sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes([0, 0, kind, array.ndim]) + sides + array.astype(array.dtype.newbyteorder(">")).tobytes())


@pytest.mark.parametrize(
    ("name", "prefixes", "first", "names"),
    [
        ("kmnist", ("KMNIST/raw/train", "KMNIST/raw/t10k"), 0, ("ki", "o", "su", "tsu")),
        (
            "emnist-letters",
            ("EMNIST/raw/emnist-letters-train", "EMNIST/raw/emnist-letters-test"),
            1,
            ("a", "b", "c", "d"),
        ),
        (
            "qmnist",
            ("QMNIST/raw/qmnist-train", "QMNIST/raw/qmnist-test"),
            0,
            ("0 - zero", "1 - one", "2 - two", "3 - three"),
        ),
    ],
)
def test_dataset_of_idx_files_becomes_a_folder(
    name: str, prefixes: tuple[str, str], first: int, names: tuple[str, ...], tmp_path: Path
) -> None:
    images, labels = np.zeros((4, 28, 28), np.uint8), np.arange(first, first + 4)
    images[:, 3, 20] = 255
    for prefix in prefixes:
        idx_file(tmp_path / f"{prefix}-images-idx3-ubyte", images)
        if name == "qmnist":  # of each digit: its class, and seven facts about its writer and place
            facts = np.stack([labels, *[np.full(4, 9)] * 7], axis=1)
            idx_file(tmp_path / f"{prefix}-labels-idx2-int", facts.astype(np.int32))
        else:
            idx_file(tmp_path / f"{prefix}-labels-idx1-ubyte", labels.astype(np.uint8))
    found = read_folder(folder_of(name, tmp_path))
    assert found.classes == names
    assert [image.part for image in found.images] == ["test"] * 4 + ["train"] * 4
    with Image.open(found.path / found.images[0].name) as image:
        assert np.asarray(image)[(20, 3) if name == "emnist-letters" else (3, 20)] == 255


def test_cifar10_becomes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From DATASETS_DIR, in files as cifar-10-python.tar.gz has them; their checksums take the places of the real."""
    batches = tmp_path / "given" / "cifar10" / CIFAR10.base_folder
    batches.mkdir(parents=True)
    red = np.zeros((2, 3, 32, 32), np.uint8)
    red[:, 0] = 255
    rows = {"data": red.reshape(2, -1), "labels": [3, 5], "filenames": ["a.png", "b.png"], "batch_label": "1"}
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    content = {"batches.meta": {"label_names": names, "num_cases_per_batch": 2, "num_vis": 3072}}
    content |= dict.fromkeys([name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)], rows)
    for name, document in content.items():
        (batches / name).write_bytes(pickle.dumps(document))
    for listed in ("train_list", "test_list"):
        given = [[name, md5_of(batches / name)] for name, _ in getattr(CIFAR10, listed)]
        monkeypatch.setattr(CIFAR10, listed, given)
    monkeypatch.setitem(CIFAR10.meta, "md5", md5_of(batches / "batches.meta"))
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path / "given"))
    found = read_folder(folder_of("cifar10", tmp_path / "data"))
    assert found.classes == ("cat", "dog")
    assert found.counts() == [6, 6]
    with Image.open(found.path / found.images[0].name) as image:
        assert (image.size, image.getpixel((31, 0))) == ((32, 32), (255, 0, 0))


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_oxford_pets_become_a_folder(tmp_path: Path) -> None:
    base = tmp_path / "oxford-iiit-pet"
    pets = {"Abyssinian_1": (1, 1, 1), "Abyssinian_2": (1, 1, 1), "american_bulldog_100": (2, 2, 1)}
    for number, name in enumerate(pets):
        (base / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60 + number, 40), (200, 100, 50)).save(base / "images" / f"{name}.jpg")
    (base / "annotations").mkdir()
    for part in ("trainval", "test"):
        lines = [" ".join([name, *map(str, numbers)]) for name, numbers in pets.items()]
        (base / "annotations" / f"{part}.txt").write_text("\n".join(lines) + "\n")
    found = read_folder(folder_of("oxford-pets", tmp_path))
    assert found.classes == ("Abyssinian", "American Bulldog")
    assert found.counts() == [4, 2]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_failed_download_is_one_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("DATASETS_DIR", raising=False)
    with pytest.raises(DatasetUnavailable, match=rf"^{name} could not be downloaded from http.*: set DATASETS_DIR.*$"):
        folder_of(name, tmp_path)
    assert not (tmp_path / name).exists()
