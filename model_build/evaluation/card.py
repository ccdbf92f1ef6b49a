"""The model card's part about photos: hashes of the networks beside the classifier, the vote, and the figures."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from handler.inference.classifier import CARD_PATH, MODEL_PATH
from handler.inference.colour import COLOUR_MODEL_PATH
from handler.inference.cutout import CUTOUT_PATH
from handler.inference.vote import Vote
from model_build.release.publish import model_version, published_now
from model_build.run_files import RunError, read_json, write_json

_PURPOSES: Final = {
    CUTOUT_PATH.name: "outlines the main garment of an image; one of its views is cut out by it",
    COLOUR_MODEL_PATH.name: "classifies the image in colour, and votes beside the 28x28 network",
}


def photo_files(model_dir: Path) -> list[Mapping[str, Any]]:
    """The networks for photos in `model_dir`: name, bytes, SHA-256 and purpose."""
    return [_entry(model_dir / name, purpose) for name, purpose in _PURPOSES.items()]


def check_classifier(model_dir: Path) -> None:
    """Raise RunError if a network is missing in `model_dir`, or if the card there is of another classifier."""
    for name in (CARD_PATH.name, MODEL_PATH.name, *_PURPOSES):
        if not (model_dir / name).is_file():
            raise RunError(f"{model_dir} has no {name}")
    found = hashlib.sha256((model_dir / MODEL_PATH.name).read_bytes()).hexdigest()
    if found != (expected := read_json(model_dir / CARD_PATH.name)["model"]["sha256"]):
        raise RunError(
            f"{model_dir / MODEL_PATH.name} has the SHA-256 {found}, but its card names {expected}: publish it first"
        )


def write_photos(model_dir: Path, photos: Mapping[str, Any], confident_threshold: float) -> None:
    """Write `photos` and the threshold into the card in `model_dir`, with the version of all networks."""
    card = read_json(model_dir / CARD_PATH.name)
    card["calibration"]["confident_threshold"] = confident_threshold
    card["version"] = version_of(model_dir, photos["vote"])
    card["environment"]["published"] = published_now()
    write_json(model_dir / CARD_PATH.name, with_photos(card, photos))


def version_of(model_dir: Path, vote: Mapping[str, Any]) -> str:
    """The version of all networks in `model_dir` together, and of the constants of their vote."""
    files = [(model_dir / name).read_bytes() for name in (MODEL_PATH.name, *_PURPOSES)]
    constants = [vote[field.name] for field in fields(Vote)]
    return model_version(*files, json.dumps(constants).encode())


def with_photos(card: Mapping[str, Any], photos: Mapping[str, Any]) -> Mapping[str, Any]:
    """`card` with `photos` before its calibration."""
    ordered: dict[str, Any] = {}
    for key, value in card.items():
        if key == "calibration":
            ordered["photos"] = photos
        if key != "photos":
            ordered[key] = value
    return ordered


def _entry(file: Path, purpose: str) -> Mapping[str, Any]:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"file": file.name, "bytes": len(content), "sha256": digest, "purpose": purpose}
