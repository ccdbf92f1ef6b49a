"""All stages, as a user runs them, and the steps that they are made of."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from handler.inference.classifier import Classifier, read_card
from handler.inference.signature import DOUBTFUL_BELOW
from model_build.checks import ChecksumError
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, MNIST, download, load, verify
from model_build.options import DatasetName
from model_build.release.publish import model_version, publish
from model_build.run_files import BEST_WEIGHTS_FILE, FINE_TUNED_WEIGHTS_FILE, HISTORY_FILE, load_config
from model_build.training.augmentation import augment
from model_build.training.checkpoint import OtherConfiguration
from model_build.training.network import build_network, without_batch_norm
from model_build.training.train import train
from tests.model_build.conftest import Build, ModelBuild
from tests.support.machine import PROJECT
from tests.support.small_run import ONE_EPOCH, TWO_CYCLES
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # both datasets are built, on a busy machine perhaps


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_all_stages_make_a_model_that_classifies(dataset: str, build: Build) -> None:
    folder = build(dataset)
    run, published = folder / "runs" / dataset, folder / "published"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["float"]["images"] == metrics["int8"]["images"] == 10_000
    assert metrics["int8"]["accuracy"] > 0.6
    assert metrics["int8"]["bytes"] < metrics["float"]["bytes"] / 2
    assert 0.9 < metrics["int8"]["known"] <= 1
    assert metrics["int8"]["unknown"]["all"]["auroc"] > 0.5
    assert ("photos" in metrics["int8"]) == ("shop_pictures" in metrics["int8"]) == DATASETS[dataset].has_photos
    assert {path.name for path in run.glob("*.png")} == {"confusion.png", "curves.png"}
    with (run / "history.csv").open() as history:
        epochs = [row["epoch"] for row in csv.DictReader(history)]
    assert epochs == [
        "0",
        "1",
    ]  # clothes: one, and one of fine-tuning; digits: two, as there are no shop pictures of them

    card = read_card(published / "classifier.json")
    assert card.document["dataset"]["images"] == {"train": 2048, "validation": 5_000, "test": 10_000}
    assert card.document["configuration"]["epochs"] == (1 if DATASETS[dataset].has_photos else 2)
    model = onnx.load(published / "classifier.onnx")
    mirrored_is_same = DATASETS[dataset].mirrored_is_same
    assert [each.key for each in model.metadata_props] == ([DOUBTFUL_BELOW] if mirrored_is_same else [])
    classifier = Classifier(published / "classifier.onnx", card.labels)
    output = classifier.predict(np.zeros((3, 1, 28, 28), np.uint8))
    assert output.probabilities.shape == (3, 10)
    assert output.known.shape == (3,)


def test_log_file_has_lines_for_each_stage(build: Build) -> None:
    log = (build("mnist") / "log.txt").read_text()
    stages = ["download", "train", "calibrate", "export", "quantize", "evaluate", "publish"]
    assert re.findall(r"^\d\d:\d\d:\d\d (\S+): begins$", log, re.MULTILINE) == stages
    assert re.findall(r"^\d\d:\d\d:\d\d (\S+): done in (?:\d+ min )?\d+ s$", log, re.MULTILINE) == stages


def test_publishing_again_keeps_the_version(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build("mnist")
    run = folder / "runs" / "mnist"
    monkeypatch.chdir(folder)
    publish(run, load_config(run), tmp_path)
    first, again = (read_card(published / "classifier.json").document for published in (folder / "published", tmp_path))
    assert again["version"] == first["version"] == model_version((run / "int8.onnx").read_bytes())


def test_model_version_depends_on_the_bytes_alone() -> None:
    version = model_version(b"one model")
    assert version == model_version(b"one model") == "sha256-e7940ca0c091"
    assert version != model_version(b"another model")


def test_killed_run_resumes_and_ends_with_the_same_weights(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    monkeypatch.chdir(tmp_path)
    whole, killed = Path("whole"), Path("killed")
    train(whole, TWO_CYCLES)

    imports = "from pathlib import Path; from model_build.training.train import Config, train"
    code = f"{imports}; train(Path('{killed}'), {TWO_CYCLES})"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until((killed / HISTORY_FILE).exists)
        process.kill()
    assert 1 <= len((killed / HISTORY_FILE).read_text().splitlines()) - 1 < 4
    train(killed, TWO_CYCLES)

    for file in (BEST_WEIGHTS_FILE, FINE_TUNED_WEIGHTS_FILE):
        expected, resumed = (torch.load(run / file, weights_only=True) for run in (whole, killed))
        assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_run_does_not_resume_with_another_configuration(trained_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained_run, tmp_path / "run")
    config = load_config(run)
    with pytest.raises(OtherConfiguration, match="a run of another configuration"):
        train(run, replace(config, epochs=2))
    assert load_config(run) == config == replace(ONE_EPOCH, seed=2)


def test_training_and_validation_images_are_the_training_set(data_dir: Path) -> None:
    splits = load(Config(), data_dir)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)
    training = DATASETS["fashion-mnist"].torchvision_class(data_dir, train=True)
    together = torch.cat([splits.train.images, splits.validation.images]).flatten(1).sum(1).sort().values
    assert torch.equal(together, training.data.flatten(1).sum(1).sort().values)


@pytest.mark.parametrize("name", list(DATASETS))
def test_mean_and_std_are_those_of_the_training_images(name: str, data_dir: Path) -> None:
    dataset = DATASETS[name]
    download(dataset, data_dir)
    images = dataset.torchvision_class(data_dir, train=True).data.float()
    assert round(images.mean().item()) == dataset.mean
    assert round(images.std().item()) == dataset.std


def test_damaged_dataset_file_is_named(datasets_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(datasets_dir / MNIST.name, tmp_path, dirs_exist_ok=True)
    labels = tmp_path / MNIST.folder / "t10k-labels-idx1-ubyte"
    labels.chmod(0o644)
    labels.write_bytes(labels.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ChecksumError, match="t10k-labels-idx1-ubyte has MD5"):
        verify(MNIST, tmp_path)


def test_folding_batch_normalization_keeps_the_outputs() -> None:
    torch.manual_seed(0)
    network = build_network(Config())
    network(torch.randn(64, 1, 28, 28))  # moves the running statistics away from 0 and 1
    images = torch.randn(8, 1, 28, 28)
    expected = network.eval()(images)
    torch.testing.assert_close(without_batch_norm(network)(images), expected, atol=1e-4, rtol=1e-4)
    assert not any("BatchNorm" in type(module).__name__ for module in network.modules())


def test_augmentation_shifts_by_at_most_shift_pixels() -> None:
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 13, 13] = 255
    config = Config(shift_pixels=2, erasing_probability=0)
    moved = augment(images, config, mirror=False, generator=torch.Generator().manual_seed(0))
    rows, columns = moved.nonzero()[:, 1], moved.nonzero()[:, 2]
    assert moved.dtype == torch.uint8
    assert {*rows.tolist()} == {*columns.tolist()} == {11, 12, 13, 14, 15}


def test_erasing_changes_the_configured_share_of_images() -> None:
    images = torch.zeros(1_000, 28, 28, dtype=torch.uint8)
    config = Config(shift_pixels=0, erasing_probability=0.3)
    erased = augment(images, config, mirror=True, generator=torch.Generator().manual_seed(0))
    assert 0.25 < (erased.flatten(1).amax(1) > 0).float().mean() < 0.35


@pytest.mark.parametrize("plot", ["grid", "pixels"])
def test_show_draws_training_images(plot: str, data_dir: Path, model_build: ModelBuild, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    done = model_build("show", plot, "--out", "plot.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_dataset_option_names_every_dataset() -> None:
    assert [*DatasetName] == [*DATASETS]


def test_command_line_parses_options_without_pytorch() -> None:
    code = "import sys, model_build.__main__; print(sorted({'torch', 'matplotlib', 'onnx'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["all", "--help"]], ids=" ".join)
def test_help_loads_no_pytorch(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "model_build", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "model_build.options" in loaded
    assert not {"torch", "torchvision", "matplotlib", "onnx"} & loaded
