"""Figures of what ships on photos by sender: accuracy, `known`, calibration, coverage; each with n and interval."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import Label, ModelOutput
from handler.inference.vote import Vote
from model_build.datasets.clothing_photos import SHOE_KINDS
from model_build.evaluation.confidence import RIGHT, TABLE_THRESHOLDS, confident_threshold, coverage_table
from model_build.evaluation.fit import FOLDS, KNOWN_KEPT, Measured, cross_fitted
from model_build.metrics import expected_calibration_error, share_with_interval

_SHOES: Final = (5, 7, 9)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Thresholds:
    """The lowest `known` score of a known image, and the lowest score of a confident answer."""

    known: float
    confident: float

    def are_confident(self, output: ModelOutput) -> NDArray[np.bool_]:
        """(N,): whether the answers of `output` are known and confident."""
        confident: NDArray[np.bool_] = (output.known >= self.known) & (
            output.probabilities.max(axis=1) >= self.confident
        )
        return confident


def chosen_confident_threshold(fitted_on: Measured, known_threshold: float) -> float:
    """The threshold for the promised share of right answers to known pictures, by scores of the cross-fitted vote.

    Ordinary photos, further kinds and pictures of shops count the same together: most users send one of them.
    """
    output = cross_fitted(fitted_on, known_threshold)
    chosen = fitted_on.are_of_the_ten & (output.known >= known_threshold)
    scores, right = output.probabilities.max(axis=1), fitted_on.right(output)
    return confident_threshold(scores[chosen], right[chosen], fitted_on.weights[chosen])


def figures(measured: Measured, vote: Vote, thresholds: Thresholds, labels: tuple[Label, ...]) -> Document:
    """All figures of photos that no network has learned from, as voted with `vote`."""
    output = measured.outputs.voted(vote)
    return {
        "accuracy": _accuracies(measured, output),
        "by_class": _by_class(measured, output, labels),
        "shoes": _shoes(measured, output),
        "calibration_error": _calibration_errors(measured, vote),
        "known": known_figures(measured, output, thresholds.known),
        "coverage": coverage_table(
            output, measured.classes, thresholds.known, sorted({*TABLE_THRESHOLDS, thresholds.confident})
        ),
        "cross_fitted": _cross_fitted(measured, thresholds),
    }


def fit_facts(fitted_on: Measured, vote: Vote) -> Document:
    """On what, and how, `vote` was fitted."""
    groups = [picture.group for picture in fitted_on.pictures]
    return {
        **asdict(vote),
        "fitted_on": {
            "photos": sum(group != "shop" for group in groups),
            "shop_pictures": groups.count("shop"),
            "of_the_ten_classes": int(fitted_on.are_of_the_ten.sum()),
            "senders": len({each.sender for each in fitted_on.pictures if each.group != "shop"}),
        },
        "method": (
            "colour_weight and temperature: lowest cross-entropy; known: logistic regression, with the bias with which "
            f"{KNOWN_KEPT:.0%} of the pictures of the ten classes are known; confident: {RIGHT:.0%} right by "
            f"cross-fitting over {FOLDS} parts of the senders"
        ),
    }


def _accuracies(measured: Measured, output: ModelOutput) -> Document:
    """Shares of right labels, kinds of shoes told apart unless any kind of shoe is said to be right."""
    right, ten = measured.right(output), measured.are_of_the_ten
    further = np.array([picture.further for picture in measured.pictures])
    return {
        "all": share_with_interval(right[ten]),
        "ordinary": share_with_interval(right[ten & ~further]),
        "further_kinds": share_with_interval(right[ten & further]),
        "ordinary_any_shoe": share_with_interval(_right_by_folder(measured, output)[~further & _has_label(measured)]),
    }


def known_figures(measured: Measured, output: ModelOutput, threshold: float) -> Document:
    """Which share of the pictures of the ten classes is known, and which share of each other kind is not."""
    known, ten = output.known >= threshold, measured.are_of_the_ten
    kinds = np.array([picture.kind for picture in measured.pictures])
    return {
        "kept": share_with_interval(known[ten]),
        "refused": {
            "all": share_with_interval(~known[~ten]),
            **{kind: share_with_interval(~known[~ten & (kinds == kind)]) for kind in sorted(set(kinds[~ten]))},
        },
    }


def _by_class(measured: Measured, output: ModelOutput, labels: tuple[Label, ...]) -> Document:
    right = measured.right(output)
    rows = {label.english: right[measured.classes == label.class_id] for label in labels}
    return {name: share_with_interval(of_class) for name, of_class in rows.items() if len(of_class)}


def _shoes(measured: Measured, output: ModelOutput) -> Document:
    right = measured.right(output)
    kinds = np.array([picture.kind for picture in measured.pictures])
    rows = {kind: share_with_interval(right[kinds == kind]) for kind in SHOE_KINDS}
    shares = [row["share"] for row in rows.values() if row["share"] is not None]
    return {**rows, "mean": round(float(np.mean(shares)), 4) if shares else None}


def _has_label(measured: Measured) -> NDArray[np.bool_]:
    """Pictures of the ten classes, and shoes of any kind, as the photos' own labels have them."""
    shoes = np.array([picture.kind == "other shoes" for picture in measured.pictures])
    labelled: NDArray[np.bool_] = measured.are_of_the_ten | shoes
    return labelled


def _right_by_folder(measured: Measured, output: ModelOutput) -> NDArray[np.bool_]:
    shoes = np.array([picture.kind in (*SHOE_KINDS, "other shoes") for picture in measured.pictures])
    right: NDArray[np.bool_] = np.where(
        shoes, np.isin(output.probabilities.argmax(axis=1), _SHOES), measured.right(output)
    )
    return right


def _calibration_errors(measured: Measured, vote: Vote) -> Document:
    """Expected calibration error: of the 28x28 network alone, of the vote at temperature 1, and as shipped."""
    ten = measured[measured.are_of_the_ten]
    outputs = {
        "classifier_alone": ten.outputs.classifier,
        "vote_at_temperature_1": ten.outputs.voted(replace(vote, temperature=1.0)),
        "as_shipped": ten.outputs.voted(vote),
    }
    return {"images": len(ten), **{name: _calibration_error(ten, output) for name, output in outputs.items()}}


def _calibration_error(ten: Measured, output: ModelOutput) -> float:
    return round(expected_calibration_error(ten.right(output), output.probabilities.max(axis=1)), 4)


def _cross_fitted(measured: Measured, thresholds: Thresholds) -> Document:
    """The same with constants that were fitted without a picture's sender: what choosing on these photos brought."""
    output, ten = cross_fitted(measured, thresholds.known), measured.are_of_the_ten
    scores, right = output.probabilities.max(axis=1), measured.right(output)
    known, confident = output.known >= thresholds.known, thresholds.are_confident(output)
    return {
        "accuracy": share_with_interval(right[ten]),
        "known_kept": share_with_interval(known[ten]),
        "outliers_refused": share_with_interval(~known[~ten]),
        "confident": share_with_interval(confident[ten]),
        "confident_right": share_with_interval(right[ten & confident]),
        "calibration_error": round(expected_calibration_error(right[ten], scores[ten]), 4),
    }
