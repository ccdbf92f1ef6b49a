"""Stored images of a folder: prepared as the server does, read once, and again when they change."""

import logging
import os
import shutil
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from handler.contract import InputFormat
from model_build.datasets.folder import read_folder
from model_build.datasets.stored import reserved_array, stored_images
from tests.model_build.folders import images_of
from tests.support.locks import holding


def test_images_are_stored_as_the_server_prepares_them_and_read_once(shop: Path, tmp_path: Path) -> None:
    folder = read_folder(shop)
    images = images_of(folder, tmp_path)
    assert images.served.shape == (48, 1, 3, 32, 32)
    assert images.wide.shape == (48, 1, 3, 38, 38)
    assert not images.errors
    shutil.rmtree(shop / "disk")
    assert np.array_equal(np.load(next((tmp_path / "cache").glob("*/served.npy"))), images.served)


def test_cut_out_images_have_several_views(shop: Path, tmp_path: Path) -> None:
    images = stored_images(read_folder(shop), InputFormat(28, 1, "cut-out"), tmp_path)
    assert images.served.shape == (48, 4, 1, 28, 28)


def test_images_that_changed_places_are_read_again(shop: Path, tmp_path: Path) -> None:
    before = images_of(read_folder(shop), tmp_path).thumbnails[0].copy()
    one, other = shop / "disk" / "0.png", shop / "disk" / "1.png"
    size = max(file.stat().st_size for file in (one, other))
    for file in (one, other):
        file.write_bytes(file.read_bytes().ljust(size, b"\0"))
        os.utime(file, (1, 1))
    first = images_of(read_folder(shop), tmp_path)
    one.rename(shop / "x")
    other.rename(one)
    (shop / "x").rename(other)
    assert not np.array_equal(images_of(read_folder(shop), tmp_path).thumbnails[0], before)
    assert len(first) == 48


def test_images_are_stored_by_one_process_at_a_time(
    shop: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = read_folder(shop)
    images_of(folder, tmp_path)
    (done,) = (tmp_path / "cache").glob("*/errors.json")
    done.unlink()
    storing = Thread(target=images_of, args=(folder, tmp_path))
    with holding(done.with_name("lock")) as other:
        storing.start()
        storing.join(0.5)
        assert storing.is_alive()
        assert not done.exists()
        assert caplog.messages == ["waiting for another process, which reads these images"]
        other.communicate(timeout=30)
    storing.join(30)
    assert done.exists()


def test_stored_arrays_have_their_room_on_the_disk(tmp_path: Path) -> None:
    array = reserved_array(tmp_path / "array.npy", (1000, 1000), np.uint8)
    assert array.sum() == 0
    assert (tmp_path / "array.npy").stat().st_blocks * 512 >= 1_000_000
