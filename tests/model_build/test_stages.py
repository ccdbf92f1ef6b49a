"""A small training run goes through all the stages, as a user calls them."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from handler.inference.classifier import Classifier, read_card
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, MNIST, ChecksumError, download, load, verify
from model_build.reporting import plots
from model_build.training.augmentation import augment
from model_build.training.network import build_network, without_batch_norm
from model_build.training.train import OtherConfiguration, train
from tests.support.waiting import wait_until

PROJECT = Path(__file__).parents[2]
SMALL = ("--epochs", "2", "--finishing-epochs", "1", "--train-images", "4096", "--photo-variants", "1")


def model_build(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`python -m model_build` in `folder`, where it keeps its data and its runs."""
    command = [sys.executable, "-m", "model_build", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=500, check=False
    )


def environment() -> dict[str, str]:
    """More threads than one would only wait for each other, beside all else that a machine does."""
    return {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_all_stages_make_a_model_that_classifies(dataset: str, tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    done = model_build("all", "--dataset", dataset, "--to", "published", *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stderr

    run, published = tmp_path / "runs" / dataset, tmp_path / "published"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["float"]["images"] == metrics["int8"]["images"] == 10_000
    assert metrics["int8"]["accuracy"] > 0.6
    assert metrics["int8"]["bytes"] < metrics["float"]["bytes"] / 2
    assert 0.9 < metrics["int8"]["known"] <= 1
    assert metrics["int8"]["unknown"]["all"]["auroc"] > 0.5
    assert ("photos" in metrics["int8"]) == DATASETS[dataset].has_photos
    assert {path.name for path in run.glob("*.png")} == {"confusion.png", "curves.png"}
    with (run / "history.csv").open() as history:
        epochs = [row["epoch"] for row in csv.DictReader(history)]
    assert epochs == (["0", "1", "2"] if DATASETS[dataset].has_photos else ["0", "1"])  # digits are in no shop

    card = read_card(published / "classifier.json")
    assert card.document["dataset"]["images"] == {"train": 4096, "validation": 5_000, "test": 10_000}
    assert card.document["configuration"]["epochs"] == 2
    classifier = Classifier(published / "classifier.onnx", card.labels)
    answers = classifier.answers(np.zeros((3, 1, 28, 28), np.uint8))
    assert answers.probabilities.shape == (3, 10)
    assert answers.known.shape == (3,)


@pytest.mark.usefixtures("datasets_dir")
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    options = ("--epochs", "3", "--finishing-epochs", "1", "--train-images", "1024", "--photo-variants", "0")
    assert model_build("train", "--run", "whole", *options, folder=tmp_path).returncode == 0

    command = [sys.executable, "-m", "model_build", "train", "--run", "killed", *options]
    history = tmp_path / "killed" / "history.csv"
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL) as process:
        wait_until(history.exists)
        process.kill()
    assert 1 <= len(history.read_text().splitlines()) - 1 < 4
    resumed = model_build("train", "--run", "killed", *options, folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr

    for file in ("best.pt", "finished.pt"):
        whole, killed = (torch.load(tmp_path / run / file, weights_only=True) for run in ("whole", "killed"))
        assert all(torch.equal(whole[name], killed[name]) for name in whole)


@pytest.mark.usefixtures("datasets_dir")
def test_a_run_is_not_continued_with_another_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config(epochs=1, finishing_epochs=0, train_images=256, photo_variants=0, widths=(4, 8), blocks_per_stage=1)
    train(Path("run"), config)
    with pytest.raises(OtherConfiguration, match="a run of another configuration"):
        train(Path("run"), replace(config, epochs=2))


@pytest.mark.usefixtures("datasets_dir")
def test_the_training_set_is_the_training_set_and_validation_is_cut_from_it(tmp_path: Path) -> None:
    splits = load(Config(), tmp_path)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)
    training = DATASETS["fashion-mnist"].torchvision_class(tmp_path, train=True)
    together = torch.cat([splits.train.images, splits.validation.images]).flatten(1).sum(1).sort().values
    assert torch.equal(together, training.data.flatten(1).sum(1).sort().values)


@pytest.mark.parametrize("name", list(DATASETS))
@pytest.mark.usefixtures("datasets_dir")
def test_normalization_is_that_of_the_training_images(name: str, tmp_path: Path) -> None:
    dataset = DATASETS[name]
    download(dataset, tmp_path)
    images = dataset.torchvision_class(tmp_path, train=True).data.float()
    assert round(images.mean().item()) == dataset.mean
    assert round(images.std().item()) == dataset.deviation


def test_a_damaged_file_is_named(datasets_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(datasets_dir / MNIST.name, tmp_path, dirs_exist_ok=True)
    labels = tmp_path / MNIST.folder / "t10k-labels-idx1-ubyte"
    labels.chmod(0o644)
    labels.write_bytes(labels.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ChecksumError, match="t10k-labels-idx1-ubyte has MD5"):
        verify(MNIST, tmp_path)


def test_folding_batch_normalization_changes_no_output() -> None:
    torch.manual_seed(0)
    network = build_network(Config())
    network(torch.randn(64, 1, 28, 28))  # moves the running statistics away from 0 and 1
    images = torch.randn(8, 1, 28, 28)
    expected = network.eval()(images)
    torch.testing.assert_close(without_batch_norm(network)(images), expected, atol=1e-4, rtol=1e-4)
    assert not any("BatchNorm" in type(module).__name__ for module in network.modules())


def test_augmentation_shifts_by_no_more_than_it_says_and_keeps_the_type() -> None:
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 13, 13] = 255
    config = Config(shift_pixels=2, erasing_probability=0)
    moved = augment(images, config, mirror=False, generator=torch.Generator().manual_seed(0))
    rows, columns = moved.nonzero()[:, 1], moved.nonzero()[:, 2]
    assert moved.dtype == torch.uint8
    assert {*rows.tolist()} == {*columns.tolist()} == {11, 12, 13, 14, 15}


def test_erasing_touches_only_the_chosen_share_of_images() -> None:
    images = torch.zeros(1_000, 28, 28, dtype=torch.uint8)
    config = Config(shift_pixels=0, erasing_probability=0.3)
    erased = augment(images, config, mirror=True, generator=torch.Generator().manual_seed(0))
    assert 0.25 < (erased.flatten(1).amax(1) > 0).float().mean() < 0.35


@pytest.mark.parametrize("picture", ["grid", "pixels"])
@pytest.mark.usefixtures("datasets_dir")
def test_show_draws_training_images(picture: str, tmp_path: Path) -> None:
    done = model_build("show", picture, "--out", "picture.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_every_pixel_value_is_written_into_the_picture() -> None:
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    written = [text.get_text() for text in plots.pixels(image).axes[0].texts]
    assert written == [str(value) for value in image.ravel()]
