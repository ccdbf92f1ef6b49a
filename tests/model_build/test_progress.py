"""What `model_build` says of its progress, and of data that it cannot get."""

import logging
import re
from pathlib import Path

import pytest

from model_build.checks import DatasetUnavailable
from model_build.datasets.clothing_photos import FURTHER
from model_build.datasets.downloads import downloading
from model_build.progress import announced
from tests.model_build.conftest import ModelBuild
from tests.support.machine import free_port
from tests.support.waiting import wait_until


def test_stage_is_announced_at_its_begin_and_end_and_in_between(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with announced("train", seconds_between_lines=0.01):
        wait_until(lambda: len(caplog.messages) >= 3)
    begin, *between, end = caplog.messages
    assert begin == "train: begins"
    assert set(between) == {"train: goes on, after 0 s"}
    assert end == "train: done in 0 s"


def test_failed_stage_is_not_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ValueError, match="no"), announced("train"):
        raise ValueError("no")
    assert caplog.messages == ["train: begins"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["download", "all"])
def test_missing_data_set_is_one_line_that_names_datasets_dir(
    command: str, model_build: ModelBuild, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")  # as without a network
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    done = model_build(command, "--dataset", "mnist", folder=tmp_path)
    assert done.returncode == 1
    (line,) = re.findall("^error: .*$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert f"DATASETS_DIR={tmp_path} does not have it" in line
    assert "set DATASETS_DIR to a folder with mnist/MNIST/raw" in line


def test_failed_download_without_datasets_dir_says_that_it_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATASETS_DIR", raising=False)
    with pytest.raises(DatasetUnavailable, match=f"{FURTHER} .* DATASETS_DIR is not set"), downloading(FURTHER, "here"):
        raise RuntimeError("File not found or corrupted.")
