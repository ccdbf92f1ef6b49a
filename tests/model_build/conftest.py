"""Training runs that several tests share, each made once per session."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import torch

from model_build.cutout import composites, fabrics, garments, grounds, trusted
from model_build.datasets.mnist import DATASETS, FASHION_MNIST, MNIST, download
from model_build.training.train import train
from tests.support.drawn_classes import draw_classes
from tests.support.machine import PROJECT
from tests.support.small_run import ONE_EPOCH

Build = Callable[[str], Path]
ModelBuild = Callable[..., subprocess.CompletedProcess[str]]

_COMMAND: Final = (sys.executable, "-m", "model_build")
_SMALL: Final = ("--fine-tuning-epochs", "1", "--train-images", "2048", "--photo-variants", "1")
_EPOCHS: Final = {FASHION_MNIST.name: "1", MNIST.name: "2"}  # an epoch of clothes has photos as well


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """More threads only wait for each other with tensors as small as these, and make results depend on the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of four classes with twelve images each."""
    return draw_classes(tmp_path / "my-shop")


@pytest.fixture
def composites_without_photos(monkeypatch: pytest.MonkeyPatch, datasets_dir: Path, tmp_path: Path) -> None:
    """Compose images of Fashion-MNIST alone, in a folder of the test: cutting out the photos takes minutes."""
    nothing = trusted.TrustedPhotos(
        np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 8, 8), bool), np.zeros(0, np.int64), np.zeros(0)
    )
    for module in (composites, fabrics, garments, grounds):
        monkeypatch.setattr(module, "trusted_photos", lambda *_: nothing)
    garments._photo_places.cache_clear()
    monkeypatch.setenv("DATASETS_DIR", str(datasets_dir.resolve()))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def model_build() -> ModelBuild:
    """Run `python -m model_build` in a folder, which will hold its data and its runs."""

    def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_COMMAND, *arguments],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def build(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Run all stages for a dataset, as a user does; returns the folder with its `runs` and `published`.

    Both datasets are built at the same time, each with one thread; tests of servers and browsers come first.
    """
    folders = {name: _with_data(tmp_path_factory.mktemp(name), data_dir) for name in DATASETS}
    with ExitStack() as stack:
        processes = {}
        for name, folder in folders.items():
            download(DATASETS[name], data_dir)
            options = ("--to", "published", "--epochs", _EPOCHS[name], *_SMALL)
            command = ["nice", *_COMMAND, "all", "--dataset", name, *options]
            log = stack.enter_context((folder / "log.txt").open("w"))
            processes[name] = stack.enter_context(
                subprocess.Popen(command, cwd=folder, env=_environment(), stdout=log, stderr=log, process_group=0)
            )
            stack.callback(_kill_group, processes[name])

        @cache
        def build(dataset: str) -> Path:
            assert processes[dataset].wait() == 0, (folders[dataset] / "log.txt").read_text()
            return folders[dataset]

        yield build


@pytest.fixture(scope="session")
def trained_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run with seed 2 that was trained, without further stages."""
    folder = _with_data(tmp_path_factory.mktemp("trained"), data_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(Path("run"), replace(ONE_EPOCH, seed=2))
    return folder / "run"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill `process`, if it is still running, and the workers of its pools."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _with_data(folder: Path, data_dir: Path) -> Path:
    (folder / "data").symlink_to(data_dir)
    return folder
