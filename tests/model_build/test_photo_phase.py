"""Photo phase: views of photos and composites as they are served, and a student that learns them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model_build.config import Config
from model_build.datasets.clothing_photos import ClothingPhoto
from model_build.datasets.mnist import DATASETS, normalize
from model_build.distillation import photo_views
from model_build.distillation.photo_phase import PhotoExamples, PhotoRecipe, learn_photos, load_photo_examples
from model_build.distillation.photo_views import NONE, ServedViews, make_part, read_composites, with_shop_pictures
from model_build.run_files import FINE_TUNED_WEIGHTS_FILE, RunError, save_config
from model_build.training.checkpoint import save_weights, trained_network
from model_build.training.network import build_network
from tests.support.images import encoded, trousers

_CONFIG = Config(widths=(4, 4, 4), blocks_per_stage=1, doubtful_below=0, shift_pixels=0, erasing_probability=0)
_RECIPE = PhotoRecipe(
    steps=100,
    learning_rate=0.05,
    dataset_per_batch=16,
    photos_per_batch=32,
    composites_per_batch=8,
    negatives_per_batch=4,
    erasing_probability=0,
)


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
        assert len(views.images) == len(views.classes) == len(views.weights) == len(photos) * (1 + photo_views.ALTERED)
    assert set(views.classes.tolist()) == {1, NONE}
    assert views.weights.sum() == pytest.approx(1)


def test_shop_pictures_are_drawn_as_often_as_composites() -> None:
    pictures = np.full((3, 28, 28), 9, np.uint8)
    both = with_shop_pictures(_views(), pictures, np.array([0, 4, 8]))
    assert bool((both.images[-3:] == 9).all())
    assert both.classes[-3:].tolist() == [0, 4, 8]
    assert both.weights[-3:].sum() == pytest.approx(both.weights[:-3].sum())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network has learned nothing but the statistics of its batch normalization."""
    folder = tmp_path_factory.mktemp("source")
    torch.manual_seed(1)
    network = build_network(_CONFIG)
    with torch.inference_mode():
        for _ in range(30):
            network(_normalized(_views().images[:, 0]))
    save_config(folder, _CONFIG)
    save_weights(folder / FINE_TUNED_WEIGHTS_FILE, network)
    return folder


def test_photos_are_learned_and_others_become_unknown(source: Path, tmp_path: Path) -> None:
    assert learn_photos(tmp_path, source, _RECIPE, _stripes())
    network = trained_network(tmp_path, _CONFIG)
    views = _views()
    with torch.inference_mode():
        logits = network(_normalized(views.images[:, 0]))
    of_class = torch.from_numpy(views.classes) != NONE
    assert bool((logits[of_class, -1].mean() > logits[~of_class, -1].mean() + 1).item())


def test_interrupted_photo_phase_ends_with_the_same_weights(source: Path, tmp_path: Path) -> None:
    recipe, examples = replace(_RECIPE, steps=3), _stripes()
    assert learn_photos(tmp_path / "whole", source, recipe, examples)
    assert not learn_photos(tmp_path / "again", source, recipe, examples, seconds=0)
    assert learn_photos(tmp_path / "again", source, recipe, examples)
    first, second = (torch.load(tmp_path / run / FINE_TUNED_WEIGHTS_FILE) for run in ("whole", "again"))
    for name, weights in first.items():
        assert torch.equal(weights, second[name]), name


def test_run_that_diverges_is_an_error(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="diverged"):
        learn_photos(tmp_path, source, replace(_RECIPE, learning_rate=1e6), _stripes())
    assert not (tmp_path / FINE_TUNED_WEIGHTS_FILE).exists()


def test_run_without_a_teacher_is_an_error(source: Path) -> None:
    with pytest.raises(RunError, match=r"has no teachers/teacher-1\.pt yet: python -m model_build distil"):
        load_photo_examples(source, _RECIPE)


def _normalized(images: NDArray[np.uint8]) -> torch.Tensor:
    return normalize(torch.from_numpy(images.copy()), DATASETS[_CONFIG.dataset])


def _stripes() -> PhotoExamples:
    """Dark images with a bright row for each class; negatives are noise."""
    noise = torch.randint(0, 256, (20, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    views = _views()
    of_class = views.classes != NONE
    return PhotoExamples(torch.from_numpy(views.images[of_class, 0]), [_BrightRows()], views, views, noise)


class _BrightRows(torch.nn.Module):
    """A teacher that knows the classes of `_stripes`."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images[:, 0].mean(dim=2)
        return 4 * rows[:, 2 : 2 + 2 * NONE : 2]


def _views() -> ServedViews:
    rng = np.random.default_rng(7)
    classes = np.arange(88) % (NONE + 1)
    images = rng.integers(0, 40, (88, photo_views.VIEWS, 28, 28), np.uint8)
    for image, class_id in zip(images, classes, strict=True):
        image[:, 2 + 2 * class_id] = 255 if class_id != NONE else 0
        if class_id == NONE:
            image[:, :, 4:8] = 200
    return ServedViews(images, classes, np.full(88, 1 / 88))
