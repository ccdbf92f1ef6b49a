"""What a distilled student learns from: photos and composites as they are served, split by sender."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from model_build.config import Config
from model_build.datasets.clothing_photos import ClothingPhoto, is_held_out
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.training_set import Examples, TrainingSet
from model_build.distillation import examples, photo_views
from model_build.distillation.examples import chances, load_distillation_set
from model_build.distillation.images import drawn
from model_build.distillation.photo_views import NONE, ServedViews, held_out_views, make_part, read_composites
from tests.support.images import encoded, trousers

_SENDERS = [f"sender {number}" for number in range(40)]


def test_rare_classes_are_drawn_more_often_than_they_occur() -> None:
    classes = torch.tensor([0] * 90 + [NONE] * 10)
    given = Examples.without_teacher(
        torch.zeros(100, 28, 28, dtype=torch.uint8), torch.nn.functional.one_hot(classes, NONE + 1)[:, :NONE].bool()
    )
    cumulative = chances(given)
    assert cumulative[-1].item() == pytest.approx(1)
    found = drawn(given, 10_000, torch.Generator().manual_seed(1), cumulative)
    assert found.allowed.any(dim=1).float().mean().item() == pytest.approx(0.75, abs=0.02)  # as 90**.5 to 10**.5


def test_nothing_is_drawn_from_nothing() -> None:
    none = Examples.negatives(torch.zeros(0, 28, 28, dtype=torch.uint8))
    assert len(drawn(none, 4, torch.Generator(), chances(none))) == 0


@pytest.mark.usefixtures("composites_without_photos")
def test_composites_are_seen_as_they_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_views, "PART", 4)
    make_part(tmp_path, 0)
    made = read_composites(tmp_path, [0])
    assert made.images.shape == (4, photo_views.VIEWS, 28, 28)
    assert set(made.classes.tolist()) <= set(range(NONE + 1))
    assert bool((made.images.max(axis=(2, 3)) > 100).all())  # each view shows something bright


def test_views_are_made_again_when_photos_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos: list[ClothingPhoto] = []
    monkeypatch.setattr(photo_views, "clothing_photos", lambda _: photos)
    for name, class_id in (("a", 1), ("b", None)):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(encoded(trousers(90), "JPEG"))
        photos.append(ClothingPhoto(path, "visitors", class_id, "trouser"))
        views = photo_views.photo_views(tmp_path)
        assert len(views.images) == len(views.classes) == len(photos) * (1 + photo_views.ALTERED)
    assert set(views.classes.tolist()) == {1, NONE}


def test_photos_to_validate_are_of_held_out_senders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = list(_photos(tmp_path))
    monkeypatch.setattr(photo_views, "clothing_photos", lambda _: photos)
    expected = [photo for photo in photos if is_held_out(photo.sender)]
    views = held_out_views(tmp_path)
    assert 0 < len(expected) < len(photos) / 2
    assert views.images.shape == (len(expected), 1, 28, 28)
    assert views.classes.tolist() == [1] * len(expected)


def test_photos_are_joined_with_composites(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock(return_value=TrainingSet(*[Examples.negatives(torch.zeros(0, 28, 28, dtype=torch.uint8))] * 9))
    monkeypatch.setattr(examples, "load_training_set", load)
    monkeypatch.setattr(examples, "photo_views", lambda _: _views(3, 4))
    monkeypatch.setattr(examples, "composite_views", lambda _, __: _views(2, NONE))
    monkeypatch.setattr(examples, "held_out_views", lambda _: _views(5, 7))
    config = Config()
    found = load_distillation_set(config)
    load.assert_called_once_with(replace(config, photo_variants=0), DATA_DIR, shop_pictures=examples.SHOP_PICTURES)
    assert found.photos.allowed.int().sum(dim=0).tolist() == [0, 0, 0, 0, 6, 0, 0, 0, 0, 0]  # two views of each photo
    assert len(found.photos) == 10
    assert found.validation_photos.allowed[:, 7].all()


def test_dataset_without_photos_is_the_training_set(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock()
    monkeypatch.setattr(examples, "load_training_set", load)
    assert load_distillation_set(Config(dataset="mnist")) is load.return_value


def _photos(folder: Path) -> Iterator[ClothingPhoto]:
    """One photo for each sender, of the small data set's training split and of the further photos in turns."""
    for number, sender in enumerate(_SENDERS):
        path = folder / ("train" if number % 2 else "further") / "pants" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(trousers(90), "JPEG"))
        yield ClothingPhoto(path, sender, 1, "pants")


def _views(count: int, class_id: int) -> ServedViews:
    images = np.zeros((count, 2, 28, 28), np.uint8)
    return ServedViews(images, np.full(count, class_id))
