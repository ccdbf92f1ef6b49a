"""Evaluation on photos: the vote's fit, the confident threshold, corruptions, the card's and the documents' figures."""

import hashlib
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from handler.contract import ModelCard, ModelOutput
from handler.inference.classifier import CARD_PATH, MODEL_PATH
from model_build.datasets.mnist import FASHION_MNIST
from model_build.evaluation.card import check_classifier, version_of, with_photos
from model_build.evaluation.confidence import confident_threshold, coverage_table
from model_build.evaluation.corruptions import CORRUPTIONS, Source, corrupted
from model_build.evaluation.figures import Thresholds
from model_build.evaluation.fit import KNOWN_KEPT, Measured, cross_fitted, fitted_vote, folds
from model_build.evaluation.mistakes import found_mistakes, mistakes_page
from model_build.evaluation.outputs import Outputs
from model_build.evaluation.pictures import Picture
from model_build.evaluation.tables import DOCUMENTS, with_tables
from model_build.metrics import expected_calibration_error, share_with_interval, wilson_interval
from model_build.run_files import RunError
from tests.support.machine import PROJECT

THRESHOLD = 0.8


def synthetic(count: int, *, seed: int = 0) -> Measured:
    """Pictures of which the colour network knows most, and both networks say too surely what they say."""
    rng = np.random.default_rng(seed)
    classes = np.where(rng.random(count) < 0.8, rng.integers(0, 10, count), -1)

    def scores(right: float, columns: int) -> NDArray[np.float32]:
        logits = rng.normal(0, 1, (count, columns))
        logits[np.arange(count), np.where(classes < 0, columns - 1, classes)] += right
        powers = np.exp(3 * logits)
        shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares

    known = np.clip(rng.normal(0.6, 0.2, count) + 0.2 * (classes >= 0), 0.01, 0.99).astype(np.float32)
    pictures = [
        Picture(Path(f"{i}.jpg"), None if each < 0 else int(each), "hat" if each < 0 else "top", f"sender {i % 40}")
        for i, each in enumerate(classes.tolist())
    ]
    return Measured(pictures, Outputs(ModelOutput(scores(0.5, 10), known), scores(2, 11)))


def test_vote_is_for_the_better_network_and_calibrated() -> None:
    measured = synthetic(600)
    vote = fitted_vote(measured, THRESHOLD)
    assert vote.colour_weight > 0.6
    ten = measured[measured.are_of_the_ten]
    errors = []
    for temperature in (vote.temperature, 3 * vote.temperature):
        scores = ten.outputs.voted(replace(vote, temperature=temperature)).probabilities
        errors.append(expected_calibration_error(scores.argmax(axis=1) == ten.classes, scores.max(axis=1)))
    assert errors[0] < 0.1 < errors[1]
    assert min(vote.known_colour_weight, vote.known_classifier_weight) > 0


def test_promised_share_of_the_ten_classes_stays_known() -> None:
    measured = synthetic(600)
    known = measured.outputs.voted(fitted_vote(measured, THRESHOLD)).known >= THRESHOLD
    assert known[measured.are_of_the_ten].mean() == pytest.approx(KNOWN_KEPT, abs=0.01)
    assert known[~measured.are_of_the_ten].mean() < 0.5


def test_folds_part_the_pictures_by_sender() -> None:
    pictures = synthetic(200).pictures
    parts = np.stack(list(folds(pictures)))
    assert (parts.sum(axis=0) == 1).all()
    for sender in {picture.sender for picture in pictures}:
        rows = [i for i, picture in enumerate(pictures) if picture.sender == sender]
        assert len({parts[:, row].argmax() for row in rows}) == 1


def test_cross_fitted_output_of_a_picture_ignores_what_it_shows() -> None:
    measured = synthetic(300)
    changed = [replace(each, class_id=3) if each.sender == "sender 7" else each for each in measured.pictures]
    of_sender = np.array([picture.sender == "sender 7" for picture in measured.pictures])
    before = cross_fitted(measured, THRESHOLD).probabilities[of_sender]
    after = cross_fitted(Measured(changed, measured.outputs), THRESHOLD).probabilities[of_sender]
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("wrong_below", "expected"), [(0.5, 0.5), (0.0, 0.01), (1.1, 1.0)], ids=["half", "all right", "all wrong"]
)
def test_confident_threshold_is_the_lowest_that_is_right_often_enough(wrong_below: float, expected: float) -> None:
    scores = np.arange(1, 1001) / 1000
    found = confident_threshold(scores, scores >= wrong_below, np.ones(1000))
    assert expected - 0.03 <= found <= expected  # of 515 images from 0.485 on, 97 % are right


def test_confident_threshold_counts_images_by_their_weights() -> None:
    scores = np.arange(1, 1001) / 1000
    right, rare = scores >= 0.5, np.arange(1000) % 10 == 0
    right[rare & (scores < 0.9)] = False
    lenient, strict = (confident_threshold(scores, right, np.where(rare, weight, 1)) for weight in (0.01, 9.0))
    assert lenient < 0.6
    assert strict > 0.85


def test_coverage_counts_unknown_pictures_as_unanswered() -> None:
    scores = np.eye(10, dtype=np.float32)[[0, 1, 2, 3]] * 0.9 + 0.01
    output = ModelOutput(scores, np.array([0.9, 0.1, 0.9, 0.9], np.float32))
    (row,) = coverage_table(output, np.array([0, 1, 5, -1]), 0.8, [0.5])
    assert (row["answered"]["share"], row["answered"]["images"]) == (0.666667, 3)
    assert (row["right"]["share"], row["right"]["images"]) == (0.5, 2)
    assert row["outliers_answered"]["share"] == 1


def test_interval_of_a_share_is_wilsons() -> None:
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # R. Newcombe, 1998, table I
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert share_with_interval(np.zeros(0, bool)) == {"images": 0, "share": None, "interval": [0.0, 1.0]}


@pytest.fixture(scope="module")
def shirt() -> Source:
    """A dark square garment on light ground, and a smaller one of another colour."""
    mask = np.zeros((200, 150), np.float32)
    mask[50:150, 30:120] = 1
    ground, garment = (np.array(colour, np.float32) for colour in ((220, 210, 200), (40, 60, 120)))
    image = np.where(mask[..., np.newaxis] > 0, garment, ground).astype(np.uint8)
    image[60:80, 40:60] = (200, 30, 30)
    return Source(Image.fromarray(image), mask, Source(Image.fromarray(255 - image), mask))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruption_changes_the_image_and_is_the_same_each_time(shirt: Source, name: str) -> None:
    file = corrupted(name, shirt)
    assert corrupted(name, shirt) == file
    if name != "none":
        assert file != corrupted("none", shirt)
    assert Image.open(io.BytesIO(file)).mode == "RGB"


def test_dark_on_dark_stays_visible_but_little(shirt: Source) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(corrupted("dark on dark", shirt))), float)
    inside = shirt.mask > 0
    assert pixels[~inside].mean() < pixels[inside].mean() < 60


def test_garment_touches_all_borders(shirt: Source) -> None:
    image = Image.open(io.BytesIO(corrupted("touching the border", shirt)))
    assert image.size == (82, 90)
    assert np.asarray(image, float)[0].mean() < 100


def test_mistakes_are_wrong_labels_and_outliers_that_count_as_known() -> None:
    measured = synthetic(100)
    vote = fitted_vote(measured, THRESHOLD)
    output = measured.outputs.voted(vote)
    wrong = (output.probabilities.argmax(axis=1) != measured.classes) & (
        measured.are_of_the_ten | (output.known >= THRESHOLD)
    )
    found = list(found_mistakes(measured, vote, Thresholds(THRESHOLD, 0.9), FASHION_MNIST.labels))
    assert {each.path for each in found} == {measured.pictures[i].path for i in np.flatnonzero(wrong).tolist()}


def test_gallery_holds_the_pictures_and_escapes_their_names(tmp_path: Path) -> None:
    measured = synthetic(40)
    mistake = next(found_mistakes(measured, fitted_vote(measured, 0.8), Thresholds(0.0, 0.9), FASHION_MNIST.labels))
    Image.new("RGB", (300, 200), "red").save(tmp_path / "a.jpg")
    text = mistakes_page([replace(mistake, path=tmp_path / "a.jpg", shown="<hat>")], 40)
    assert "1 mistakes in 40 pictures" in text
    assert "data:image/jpeg;base64," in text
    assert "<hat>" not in text


def test_card_names_every_model_file_with_its_hash(card: ModelCard) -> None:
    described = {card.document["model"]["file"]: card.document["model"]}
    described |= {each["file"]: each for each in card.document["photos"]["files"]}
    assert set(described) == {path.name for path in MODEL_PATH.parent.glob("*.onnx")}
    for name, entry in described.items():
        content = (MODEL_PATH.parent / name).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_version_of_the_card_is_of_all_networks_and_their_vote(card: ModelCard) -> None:
    vote = card.document["photos"]["vote"]
    assert card.document["version"] == version_of(MODEL_PATH.parent, vote)
    assert card.document["version"] != version_of(MODEL_PATH.parent, {**vote, "temperature": 9.0})


def test_card_of_another_classifier_is_refused(tmp_path: Path) -> None:
    for path in MODEL_PATH.parent.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    check_classifier(tmp_path)
    (tmp_path / MODEL_PATH.name).write_bytes(b"another")
    with pytest.raises(RunError, match="publish it first"):
        check_classifier(tmp_path)


def test_card_has_photos_once_before_the_calibration() -> None:
    card = with_photos(with_photos({"model": 1, "calibration": 2}, {"old": 1}), {"new": 1})
    assert card == {"model": 1, "photos": {"new": 1}, "calibration": 2}
    assert list(card) == ["model", "photos", "calibration"]


def test_documents_have_the_figures_of_the_card() -> None:
    card = json.loads(CARD_PATH.read_text(encoding="utf-8"))
    for name in DOCUMENTS:
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert "written by python -m model_build evaluate-photos" in text
        assert with_tables(text, card) == text
