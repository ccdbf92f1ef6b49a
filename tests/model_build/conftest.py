"""Training runs that several tests share, each made once in a session."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import torch

from model_build.training.train import train
from tests.support.machine import PROJECT
from tests.support.small_run import ONE_EPOCH

Build = Callable[[str], Path]
ModelBuild = Callable[..., subprocess.CompletedProcess[str]]

_SMALL: Final = ("--epochs", "2", "--fine-tuning-epochs", "1", "--train-images", "2048", "--photo-variants", "1")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """More threads only wait for each other with tensors as small as these, and make results depend on the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def model_build() -> ModelBuild:
    """Run `python -m model_build` in a folder, which will hold its data and its runs."""

    def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "model_build", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
        )

    return run


@pytest.fixture(scope="session")
def build(data_dir: Path, model_build: ModelBuild, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Run all stages for a dataset, as a user does; returns the folder with its `runs` and `published`."""

    @cache
    def build(dataset: str) -> Path:
        folder = _with_data(tmp_path_factory.mktemp(dataset), data_dir)
        done = model_build("all", "--dataset", dataset, "--to", "published", *_SMALL, folder=folder)
        assert done.returncode == 0, done.stderr
        return folder

    return build


@pytest.fixture(scope="session")
def trained_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run with seed 2 that was trained, without further stages."""
    folder = _with_data(tmp_path_factory.mktemp("trained"), data_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(Path("run"), replace(ONE_EPOCH, seed=2))
    return folder / "run"


def _with_data(folder: Path, data_dir: Path) -> Path:
    (folder / "data").symlink_to(data_dir)
    return folder
