"""Files of runs and caches are written whole, or not at all, by several processes at a time."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from model_build.run_files import replace, save_arrays


def test_failed_write_leaves_the_old_version_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("old")

    def write(unfinished: Path) -> None:
        unfinished.write_text("a part")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_write_one_file_do_not_mix_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.npz"
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        processes.starmap(_write, [(path, value) for value in range(2)])
    with np.load(path) as stored:
        assert len(np.unique(stored["values"])) == 1
    assert list(path.parent.iterdir()) == [path]


def _write(path: Path, value: int) -> None:
    for _ in range(50):
        save_arrays(path, values=np.full(10_000, value))
