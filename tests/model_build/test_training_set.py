"""Training examples: photos, synthetic shop pictures and outlier-exposure negatives beside the dataset."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from handler.inference.classifier import Classifier
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, views_of
from model_build.checks import ChecksumError
from model_build.config import Config
from model_build.datasets.mnist import load
from model_build.datasets.non_clothing import non_clothing_images
from model_build.datasets.photos import ALLOWED, download_photos, load_photos, photo_paths
from model_build.datasets.shop_pictures import load_shop_pictures, shop_picture
from model_build.datasets.training_set import load_training_set

pytestmark = pytest.mark.slow


def test_photos_are_cut_out_by_colour_as_the_server_can_do_it(datasets_dir: Path, data_dir: Path) -> None:
    photos = load_photos("validation", altered=1, root=data_dir)
    paths = photo_paths(datasets_dir / "clothing-dataset-small", "validation")
    assert len(photos) == len(paths) == 341
    for number in (0, 100, 340):
        seen, _ = views_of(decode(paths[number].read_bytes(), 10**8, DETAIL_SIDE))
        assert np.array_equal(photos.views[number].numpy(), seen)
        assert photos.allowed[number].nonzero().flatten().tolist() == list(ALLOWED[paths[number].parent.name])


def test_variants_of_photos_differ_and_are_deterministic(data_dir: Path, tmp_path: Path) -> None:
    first, again = (load_photos("validation", altered=1, root=root) for root in (data_dir, tmp_path))
    assert torch.equal(first.images, again.images)
    different = (first.images[:, 0] != first.images[:, -1]).flatten(1).any(dim=1)
    assert different.float().mean() > 0.99


def test_missing_photos_are_a_checksum_error(
    datasets_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "clothing-dataset-small"
    folder.mkdir()
    (folder / "validation").symlink_to(datasets_dir / folder.name / "validation")
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path))
    with pytest.raises(ChecksumError, match="have the checksum"):
        download_photos(tmp_path)


def test_non_clothing_images_depend_on_their_seed_alone() -> None:
    images = non_clothing_images(60, seed=1)
    assert images.shape == (60, 28, 28)
    assert torch.equal(images, non_clothing_images(60, seed=1))
    assert not torch.equal(images, non_clothing_images(60, seed=2))


def test_shop_picture_shows_the_object_of_its_image(data_dir: Path, classifier: Classifier) -> None:
    test = load(Config(), data_dir).test
    rng = random.Random(1)
    pictures = [shop_picture(image.numpy(), 1, rng) for image in test.images[test.labels == 1][:50]]
    assert all((picture.mode, picture.size) == ("RGB", (128, 128)) for picture in pictures)
    output = classifier.predict_views([views_of(picture)[0][:, np.newaxis] for picture in pictures])
    assert (output.probabilities.argmax(axis=1) == 1).mean() > 0.9  # trousers, all of them


def test_shop_pictures_depend_on_images_and_seed_alone(data_dir: Path, tmp_path: Path) -> None:
    few = load(Config(), data_dir).test[:20]
    first, again = (load_shop_pictures(few, seed=1, root=tmp_path / name) for name in ("first", "again"))
    assert first.shape == (20, 28, 28)
    assert torch.equal(first, again)
    assert not torch.equal(first, load_shop_pictures(few, seed=2, root=tmp_path))


def test_epoch_has_all_parts_and_fine_tuning_adds_shop_pictures(data_dir: Path) -> None:
    config = Config(
        train_images=400,
        shop_picture_share=0.5,
        accessory_negatives=30,
        photo_variants=1,
        photo_repeats=2,
        non_clothing_negatives=60,
    )
    training_set = load_training_set(config, data_dir)
    epoch = training_set.epoch(config, torch.Generator().manual_seed(0))
    assert len(epoch) == 400 + 2 * (3_068 - 744) + 60
    assert len(training_set.validation_photos) == 744  # of held-out senders
    allowed = epoch.allowed.sum(dim=1)
    assert (allowed == 0).sum() > 60  # images of no clothing, and photos of hats, shorts and skirts
    assert (allowed == 3).any()  # photos of shoes, whose label does not say which kind
    assert (allowed == 1).sum() > 400
    fine_tuning = training_set.epoch(config, torch.Generator().manual_seed(0), fine_tuning=True)
    assert len(fine_tuning) == len(epoch) + 200 + 30
    assert not fine_tuning.soft_targets.any()


def test_soft_targets_are_of_the_dataset_and_its_shop_pictures(data_dir: Path) -> None:
    config = Config(
        train_images=40, shop_picture_share=1, accessory_negatives=3, photo_variants=1, non_clothing_negatives=60
    )
    training_set = load_training_set(config, data_dir)
    agreeing = training_set.dataset.allowed.float()
    epoch = training_set.with_soft_targets(agreeing).epoch(config, torch.Generator(), fine_tuning=True)
    with_targets = epoch.soft_targets.any(dim=1)
    assert with_targets.sum() == 40 + 40
    assert torch.equal(epoch.soft_targets[with_targets].bool(), epoch.allowed[with_targets])


def test_training_set_of_digits_has_no_photos(data_dir: Path) -> None:
    config = Config(dataset="mnist", non_clothing_negatives=60)
    training_set = load_training_set(config, data_dir)
    assert len(training_set.photos) == len(training_set.validation_photos) == 0
    assert len(training_set.epoch(config, torch.Generator())) == 55_060
