"""Datasets by name become folders of images, from torchvision's files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_build.checks import DatasetUnavailable
from model_build.datasets.folder import read_folder
from model_build.datasets.named import folder_of, write_part


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
