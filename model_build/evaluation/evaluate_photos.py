"""Fit the vote, measure what ships on photos, and write both into the model card and the tables of the documents."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.pipeline import prepare
from handler.inference.vote import Vote
from model_build.evaluation.card import check_classifier, photo_files, write_photos
from model_build.evaluation.figures import (
    Thresholds,
    chosen_confident_threshold,
    figures,
    fit_facts,
    known_figures,
)
from model_build.evaluation.fit import Measured, fitted_vote
from model_build.evaluation.outputs import MAX_PIXELS, Networks, joined
from model_build.evaluation.pictures import Picture, everyday_pictures, held_out_photos, of_the_ten, shop_pictures
from model_build.evaluation.robustness import robustness
from model_build.metrics import share_with_interval
from model_build.progress import track

_CHECKED = 50  # photos
_CORRUPTED = 4  # every fourth photo: all of them, in all corruptions, would take six minutes
_ROUNDING = 1e-4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sets:
    """Photos of held-out senders, and pictures of shops, with what the networks say of them."""

    photos: Measured
    shop: Measured | None

    @property
    def all(self) -> Measured:
        """What the vote is fitted on."""
        if self.shop is None:
            return self.photos
        outputs = joined([self.photos.outputs, self.shop.outputs])
        return Measured([*self.photos.pictures, *self.shop.pictures], outputs)


def evaluate_photos(model_dir: Path = MODEL_PATH.parent) -> Mapping[str, Any]:
    """Write `photos` and the confident threshold into the card in `model_dir`; returns `photos`.

    Needs the networks there, and the card of that classifier. Takes about two minutes on one core.
    """
    check_classifier(model_dir)
    networks = Networks(model_dir)
    sets = measured_sets(networks)
    known_threshold = networks.card.known_threshold
    vote = fitted_vote(sets.all, known_threshold)
    thresholds = Thresholds(known_threshold, chosen_confident_threshold(sets.all, known_threshold))
    photos = {
        "files": photo_files(model_dir),
        "vote": fit_facts(sets.all, vote),
        **figures(sets.photos, vote, thresholds, networks.card.labels),
        "corruptions": robustness(of_the_ten(sets.photos.pictures)[::_CORRUPTED], networks, vote, thresholds),
    }
    write_photos(model_dir, photos, thresholds.confident)
    _check_what_ships(model_dir, sets.photos, vote)
    _report(photos, thresholds)
    if sets.shop is not None:
        _report_shop(sets.shop, vote, thresholds)
    _report_everyday(networks, vote, thresholds)
    return photos


def measured_sets(networks: Networks) -> Sets:
    """Classify all pictures that are measured on."""
    photos, shop = held_out_photos(), shop_pictures()
    return Sets(_measured(photos, networks), _measured(shop, networks) if shop else None)


def _measured(pictures: list[Picture], networks: Networks) -> Measured:
    files = (picture.path.read_bytes() for picture in track(pictures, "classifying pictures"))
    return Measured(pictures, networks.outputs(files))


def _check_what_ships(model_dir: Path, photos: Measured, vote: Vote) -> None:
    """Raise ValueError if the classifier as it ships, with the card just written, answers otherwise."""
    some = slice(None, None, max(1, len(photos) // _CHECKED))
    classifier = Classifier.of_folder(model_dir)
    images = [prepare(classifier, picture.path.read_bytes(), MAX_PIXELS) for picture in photos.pictures[some]]
    shipped, measured = classifier.predict_images(images), photos.outputs[some].voted(vote)
    if not np.allclose(shipped.probabilities, measured.probabilities, atol=_ROUNDING):
        raise ValueError(f"the classifier in {model_dir} answers otherwise than was measured")


def _report(photos: Mapping[str, Any], thresholds: Thresholds) -> None:
    rows = {f"accuracy, {name}": row for name, row in photos["accuracy"].items()}
    rows |= {"known kept": photos["known"]["kept"], "outliers refused": photos["known"]["refused"]["all"]}
    confident = next(row for row in photos["coverage"] if row["threshold"] == thresholds.confident)
    rows |= {f"confident from {thresholds.confident}": confident["answered"], "of these right": confident["right"]}
    rows |= {f"cross-fitted {name}": row for name, row in photos["cross_fitted"].items() if isinstance(row, Mapping)}
    for name, row in photos["corruptions"].items():
        rows |= {f"{name}: right": row["right"], f"{name}: confident and wrong": row["confident_and_wrong"]}
    for name, row in rows.items():
        log.info("%s: %s", name, _written(row))
    log.info("shoes, mean of kinds: %s; calibration error: %s", photos["shoes"]["mean"], photos["calibration_error"])


def _report_shop(shop: Measured, vote: Vote, thresholds: Thresholds) -> None:
    """Only shown: these pictures may help to choose, and their figures are not published."""
    output = shop.outputs.voted(vote)
    right, ten, confident = shop.right(output), shop.are_of_the_ten, thresholds.are_confident(output)
    known = known_figures(shop, output, thresholds.known)
    rows = {"right": share_with_interval(right[ten]), "known kept": known["kept"], "refused": known["refused"]["all"]}
    rows |= {
        "confident": share_with_interval(confident[ten]),
        "of these right": share_with_interval(right[ten & confident]),
    }
    for name, row in rows.items():
        log.info("shop pictures, %s: %s", name, _written(row))


def _report_everyday(networks: Networks, vote: Vote, thresholds: Thresholds) -> None:
    """Only shown: composites of things that no network learned from, of which all should be refused."""
    if files := everyday_pictures():
        known = networks.outputs(track(files, "classifying everyday things")).voted(vote).known
        log.info("everyday things, refused: %s", _written(share_with_interval(known < thresholds.known)))


def _written(row: Mapping[str, Any]) -> str:
    """A share with its interval and number."""
    if row["share"] is None:
        return "-"
    low, high = row["interval"]
    return f"{100 * row['share']:.1f} % ({100 * low:.0f} to {100 * high:.0f}) of {row['images']}"
