"""Read a model folder's card, classifier.json: labels, title, input format, thresholds. A wrong card gets one sentence.

classifier.onnx   images uint8 (N, C, S, S) -> probabilities (N, K), known (N,)
classifier.json   the card
cutout.onnx       optional, for the preprocessing "cut-out": without it, the foreground is found by colour
colour.onnx       only if the card has `photos.vote`
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from handler.contract import InputFormat, Label, ModelCard, Title
from handler.errors import InvalidModel

MODEL_FOLDER: Final = Path(__file__).parents[1] / "model"
MODEL_PATH: Final = MODEL_FOLDER / "classifier.onnx"
CARD_PATH: Final = MODEL_FOLDER / "classifier.json"
_BELOW_A_RUN: Final = "model"  # the model's folder in that of a run

CUT_OUT: Final = "cut-out"
RESIZE: Final = "resize"
_SIDES: Final = range(8, 513)
_NAME: Final = re.compile(r"(?!\.)[^/:?#%\\]+")  # it is part of addresses
_VERSION: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)  # part of addresses, and a dimension of metrics
_MAX_CHARACTERS: Final = 200  # of a name; CloudWatch takes 255 for a metric's
# Control characters, line and paragraph separators, halves of surrogate pairs
_NOT_IN_A_NAME: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def model_folder(path: str | Path) -> Path:
    """The folder of a model: the package's own if `path` is empty; `path` may be that of a run, too."""
    if not path:
        return MODEL_FOLDER
    folder = Path(path)
    below = folder / _BELOW_A_RUN
    return below if (below / CARD_PATH.name).is_file() and not (folder / CARD_PATH.name).exists() else folder


def read_card(path: Path = CARD_PATH) -> ModelCard:
    """Read the model card at `path`, a JSON document. Raises InvalidModel, which names the file and what is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidModel(f"there is no model in {path.parent}: {path.name} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidModel(f"the model card {path} cannot be read: {error}") from error
    try:
        return card_of(document)
    except ValueError as error:
        raise InvalidModel(f"the model card {path} is wrong: {error}") from error


def card_of(document: Any) -> ModelCard:
    """The model card in a JSON document. Raises ValueError, which names the wrong member."""
    card = _mapping(document, "it")
    if not _NAME.fullmatch(_text(card.get("name"), "name")):
        raise ValueError(f"name should have no / : ? # % or dot at its start, but is {card['name']!r}")
    if not _VERSION.fullmatch(_text(card.get("version"), "version")):
        raise ValueError(f"version should have letters, digits, hyphens and dots, but is {card['version']!r}")
    _text(_mapping(card.get("model"), "model").get("sha256"), "model.sha256")
    _check_thresholds(_mapping(card.get("calibration"), "calibration"))
    files_beside(card)
    return ModelCard(_labels(card.get("labels")), _title(card.get("title")), _input(card.get("input")), card)


def files_beside(document: Mapping[str, Any]) -> list[str]:
    """The names of the files beside the classifier that a card names. Raises ValueError, which names what is wrong."""
    photos = _mapping(document.get("photos", {}), "photos")
    files = photos.get("files", [])
    if not isinstance(files, list):
        raise ValueError("photos.files should be a list")
    entries = [_mapping(entry, f"photos.files[{index}]") for index, entry in enumerate(files)]
    cut_out = _mapping(document.get("cut_out", {}), "cut_out")
    return [_text(entry["file"], "the name of a file") for entry in (cut_out, *entries) if "file" in entry]


def _labels(rows: Any) -> tuple[Label, ...]:
    if not isinstance(rows, list) or not rows:
        raise ValueError("labels should be a list of classes")
    labels = tuple(_label(row, f"labels[{index}]") for index, row in enumerate(rows))
    if [label.class_id for label in labels] != list(range(len(labels))):
        raise ValueError(f"labels should have the class ids 0 to {len(labels) - 1}, in this order")
    names = [label.english for label in labels]
    if len(set(names)) < len(names):
        raise ValueError(f"labels should differ, but {max(names, key=names.count)!r} is there more than once")
    return labels


def _label(row: Any, place: str) -> Label:
    members = _mapping(row, place)
    english, chinese = (_text(members.get(name), f"{place}.{name}") for name in ("english", "chinese"))
    return Label(_whole_number(members.get("class_id"), f"{place}.class_id"), english, chinese)


def _title(value: Any) -> Title:
    members = _mapping(value, "title")
    return Title(_text(members.get("english"), "title.english"), _text(members.get("chinese"), "title.chinese"))


def _input(value: Any) -> InputFormat:
    members = _mapping(value, "input")
    side, channels = (_whole_number(members.get(name), f"input.{name}") for name in ("side", "channels"))
    preprocessing = members.get("preprocessing")
    if side not in _SIDES:
        raise ValueError(f"input.side should be {_SIDES.start} to {_SIDES.stop - 1}, but is {side}")
    if preprocessing not in (CUT_OUT, RESIZE):
        raise ValueError(f"input.preprocessing should be {CUT_OUT!r} or {RESIZE!r}, but is {preprocessing!r}")
    if channels not in ((1,) if preprocessing == CUT_OUT else (1, 3)):
        raise ValueError(f"input.channels should be 1, or 3 with {RESIZE!r}, but is {channels}")
    return InputFormat(side, channels, preprocessing)


def _check_thresholds(calibration: Mapping[str, Any]) -> None:
    for name in ("known_threshold", "confident_threshold"):
        value = calibration.get(name, 1.0 if name == "confident_threshold" else None)  # a setting can give that one
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise ValueError(f"calibration.{name} should be a number from 0 to 1, but is {value!r}")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} should be an object, but is {type(value).__name__}")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_CHARACTERS or _NOT_IN_A_NAME.search(value):
        raise ValueError(f"{place} should be one line of 1 to {_MAX_CHARACTERS} characters, but is {value!r:.100}")
    return value


def _whole_number(value: Any, place: str) -> int:
    if type(value) is not int:
        raise ValueError(f"{place} should be a whole number, but is {value!r}")
    return value
