"""`classify --model`: another model's folder, or its run's, and what is said if it is none."""

import json
from pathlib import Path

import pytest
from PIL import Image

from handler.contract import InputFormat
from tests.support.command_line import classify
from tests.support.images import encoded
from tests.support.other_models import colour_of, write_model

FORM = InputFormat(side=96, channels=3, preprocessing="resize")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with a model of five classes, and an image of the second one beside it."""
    (tmp_path / "image.png").write_bytes(encoded(Image.new("RGB", (300, 200), colour_of(1, FORM, 5))))
    write_model(tmp_path / "my shop" / "model", FORM, 5)
    return tmp_path / "my shop"


def test_model_of_a_run_classifies(run: Path) -> None:
    ended = classify("--model", run.name, "--json", "image.png", cwd=run.parent)
    assert json.loads(ended.stdout)["label"] == "große Kreuze", ended.stderr


def test_more_classes_than_the_model_has_are_refused(run: Path) -> None:
    ended = classify("--model", run.name, "--top-k", "6", "image.png", cwd=run.parent)
    assert (ended.returncode, ended.stderr) == (2, "--top-k is 6, but the model has 5 classes\n")


def test_folder_without_a_model_is_refused_in_one_line(run: Path) -> None:
    ended = classify("--model", "elsewhere", "image.png", cwd=run.parent)
    assert (ended.returncode, ended.stderr) == (2, "there is no model in elsewhere: classifier.json is missing\n")
