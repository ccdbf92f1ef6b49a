"""A model's folder: what its card says, and one sentence for each thing that is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.contract import InputFormat
from handler.errors import InvalidModel
from handler.inference.card import MODEL_FOLDER, model_folder
from handler.inference.classifier import load_model
from tests.support.other_models import write_model

FORM = InputFormat(side=32, channels=3, preprocessing="resize")
LABELS = [{"class_id": i, "english": name, "chinese": name} for i, name in enumerate(["a", "b", "c"])]

VOTE = {
    "colour_weight": 0.5,
    "temperature": 1,
    "known_classifier_weight": 1,
    "known_colour_weight": 1,
    "known_bias": 0,
}


def test_card_has_labels_title_and_input(tmp_path: Path) -> None:
    classifier, card = load_model(write_model(tmp_path, FORM, 3))
    assert classifier.input == card.input == FORM
    assert (card.title.english, card.labels[2].english, card.known_threshold) == ("things", "方块", 0.5)


def test_folder_of_a_run_has_the_model_below_it(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", FORM, 3)
    assert model_folder(tmp_path) == model_folder(model) == model
    assert model_folder("") == MODEL_FOLDER


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"labels": LABELS[:2]}, "has 3 classes, but its card has 2 labels", id="fewer labels"),
        pytest.param({"labels": []}, "labels should be a list of classes", id="no labels"),
        pytest.param({"labels": [LABELS[0], LABELS[0]]}, r"class ids 0 to 1", id="the same class id"),
        pytest.param({"labels": [LABELS[0], {**LABELS[0], "class_id": 1}]}, "'a' is there more than once", id="label"),
        pytest.param({"labels": [{**LABELS[0], "english": "a\nb"}]}, r"labels\[0\].english", id="two lines"),
        pytest.param({"labels": [{**LABELS[0], "chinese": " "}]}, r"labels\[0\].chinese", id="no name"),
        pytest.param({"name": "a/b"}, "name should have no /", id="slash in the name"),
        pytest.param({"version": "1 ä"}, "version should have letters", id="version"),
        pytest.param({"title": None}, "title should be an object", id="no title"),
        pytest.param({"input": {}}, "input.side should be a whole number", id="no input"),
        pytest.param({"input": {"side": 4, "channels": 1, "preprocessing": "resize"}}, "input.side", id="small side"),
        pytest.param({"input": {"side": 32, "channels": 2, "preprocessing": "resize"}}, "channels", id="channels"),
        pytest.param({"input": {"side": 32, "channels": 3, "preprocessing": "cut-out"}}, "channels", id="colour"),
        pytest.param({"input": {"side": 32, "channels": 3, "preprocessing": "crop"}}, "'resize'", id="preprocessing"),
        pytest.param(
            {"input": {"side": 64, "channels": 3, "preprocessing": "resize"}},
            "takes images of 3 x 32 x 32, but its card says 3 x 64 x 64",
            id="another side",
        ),
        pytest.param(
            {"calibration": {"known_threshold": "high"}}, "known_threshold should be a number", id="threshold"
        ),
        pytest.param({"cut_out": {"file": "cutout.onnx"}}, "names cutout.onnx, which is missing", id="a missing file"),
        pytest.param({"calibration": {"known_threshold": 0.5}}, "CONFIDENT_THRESHOLD can give one", id="no threshold"),
        pytest.param({"photos": {}}, "lacks colour_weight", id="no vote"),
        pytest.param({"photos": {"vote": None}}, "lacks colour_weight", id="null as the vote"),
        pytest.param({"photos": {"vote": {**VOTE, "known_bias": "1"}}}, "lacks known_bias", id="a text in the vote"),
        pytest.param({"photos": {"vote": {**VOTE, "temperature": 0}}}, "should be above 0", id="temperature of 0"),
    ],
)
def test_card_that_is_wrong_gets_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidModel, match=sentence):
        load_model(write_model(tmp_path, FORM, 3, **changes))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(lambda folder: (folder / "classifier.json").unlink(), "classifier.json is missing", id="no card"),
        pytest.param(lambda folder: (folder / "classifier.onnx").unlink(), "classifier.onnx is missing", id="no file"),
        pytest.param(lambda folder: (folder / "classifier.json").write_text("{"), "cannot be read", id="half a card"),
        pytest.param(lambda folder: (folder / "classifier.json").write_text("[]"), "should be an object", id="a list"),
        pytest.param(lambda folder: (folder / "classifier.onnx").write_bytes(b"PK"), "not an ONNX file", id="no ONNX"),
    ],
)
def test_damaged_folder_gets_a_sentence(tmp_path: Path, damage: Callable[[Path], Any], sentence: str) -> None:
    folder = write_model(tmp_path, FORM, 3)
    damage(folder)
    with pytest.raises(InvalidModel, match=sentence):
        load_model(folder)


def test_shipped_card_names_clothes() -> None:
    card = json.loads((MODEL_FOLDER / "classifier.json").read_text(encoding="utf-8"))
    assert card["title"] == {"english": "clothes", "chinese": "服装"}
    assert card["input"] == {"side": 28, "channels": 1, "preprocessing": "cut-out"}
