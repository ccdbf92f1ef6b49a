"""What the network learns from, besides the dataset: photos and drawings."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from handler.inference.classifier import Classifier
from handler.inference.decoding import views_of
from handler.inference.preprocessing import views_of as cut_views
from model_build.config import Config
from model_build.datasets.mnist import ChecksumError, LabelledImages, load
from model_build.datasets.non_clothing import unknown_images
from model_build.datasets.photos import ALLOWED, download_photos, load_photos, photo_paths
from model_build.datasets.shop_pictures import load_renderings, rendered
from model_build.datasets.training_set import load_pool


def test_a_photo_is_learned_from_as_the_server_would_see_it(datasets_dir: Path, tmp_path: Path) -> None:
    photos = load_photos("validation", altered=1, root=tmp_path)
    paths = photo_paths(datasets_dir / "clothing-dataset-small", "validation")
    assert len(photos) == len(paths) == 341
    for number in (0, 100, 340):
        seen = views_of(paths[number].read_bytes(), 10**8)[:, 0]
        assert np.array_equal(photos.views[number].numpy(), seen)
        assert photos.allowed[number].nonzero().flatten().tolist() == list(ALLOWED[paths[number].parent.name])


@pytest.mark.usefixtures("datasets_dir")
def test_the_variants_of_a_photo_differ_and_are_the_same_each_time(tmp_path: Path) -> None:
    first, again = (load_photos("validation", altered=1, root=tmp_path / name) for name in ("first", "again"))
    assert torch.equal(first.images, again.images)
    different = (first.images[:, 0] != first.images[:, -1]).flatten(1).any(dim=1)
    assert different.float().mean() > 0.99


def test_a_missing_photo_is_noticed(datasets_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clothing-dataset-small"
    folder.mkdir()
    (folder / "validation").symlink_to(datasets_dir / folder.name / "validation")
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path))
    with pytest.raises(ChecksumError, match="have the checksum"):
        download_photos(tmp_path)


def test_drawings_are_drawn_by_their_seed() -> None:
    drawings = unknown_images(60, seed=1)
    assert drawings.shape == (60, 28, 28)
    assert torch.equal(drawings, unknown_images(60, seed=1))
    assert not torch.equal(drawings, unknown_images(60, seed=2))


@pytest.mark.usefixtures("datasets_dir")
def test_an_image_becomes_a_picture_of_the_same_thing(tmp_path: Path, classifier: Classifier) -> None:
    images = load(Config(), tmp_path).test
    chance = random.Random(1)
    pictures = [rendered(image.numpy(), 1, chance) for image in images.images[images.labels == 1][:50]]
    assert all((picture.mode, picture.size) == ("RGB", (128, 128)) for picture in pictures)
    scores = classifier.answers_to([cut_views(picture)[0][:, np.newaxis] for picture in pictures]).probabilities
    assert (scores.argmax(axis=1) == 1).mean() > 0.9  # trousers, all of them


@pytest.mark.usefixtures("datasets_dir")
def test_images_are_rendered_by_their_seed(tmp_path: Path) -> None:
    images = load(Config(), tmp_path).test
    few = LabelledImages(images.images[:20], images.labels[:20])
    first, again = (load_renderings(few, seed=1, root=tmp_path / name) for name in ("first", "again"))
    assert first.shape == (20, 28, 28)
    assert torch.equal(first, again)
    assert not torch.equal(first, load_renderings(few, seed=2, root=tmp_path))


def test_an_epoch_shows_the_dataset_once_and_each_photo_a_few_times_and_at_the_end_shop_pictures(
    data_dir: Path,
) -> None:
    config = Config(
        train_images=400,
        rendered_share=0.5,
        accessory_images=30,
        photo_variants=1,
        photo_repeats=2,
        validation_photos=200,
        unknown_images=60,
    )
    pool = load_pool(config, data_dir)
    epoch = pool.epoch(config, torch.Generator().manual_seed(0))
    assert len(epoch) == 400 + 2 * (3_068 - 200) + 60
    assert len(pool.validation_photos) == 200
    allowed = epoch.allowed.sum(dim=1)
    assert (allowed == 0).sum() > 60  # drawings, and photos of hats, shorts and skirts
    assert (allowed == 3).any()  # photos of shoes, of which nobody said what kind they are
    assert (allowed == 1).sum() > 400
    finishing = pool.epoch(config, torch.Generator().manual_seed(0), finishing=True)
    assert len(finishing) == len(epoch) + 200 + 30
    assert not finishing.taught.any()


def test_a_teacher_is_heard_on_the_dataset_and_on_its_shop_pictures(data_dir: Path) -> None:
    config = Config(train_images=40, rendered_share=1, accessory_images=3, photo_variants=1, unknown_images=60)
    pool = load_pool(config, data_dir)
    agreeing = pool.dataset.allowed.float()
    taught = pool.taught(agreeing).epoch(config, torch.Generator(), finishing=True)
    heard = taught.taught.any(dim=1)
    assert heard.sum() == 40 + 40
    assert torch.equal(taught.taught[heard].bool(), taught.allowed[heard])


def test_the_dataset_alone_will_do(data_dir: Path) -> None:
    config = Config(dataset="mnist", unknown_images=60)
    pool = load_pool(config, data_dir)
    assert len(pool.photos) == len(pool.validation_photos) == 0
    assert len(pool.epoch(config, torch.Generator())) == 55_060
