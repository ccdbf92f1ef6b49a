"""The learned cut-out's training: composites with exact outlines, the network, its int8 file."""

import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from PIL import Image

from handler.inference.classifier import CARD_PATH
from handler.inference.cutout import SIDE, CutOut
from model_build.cutout import evaluate
from model_build.cutout.build import add_to_card, build
from model_build.cutout.composites import composite, shop_composite
from model_build.cutout.cuts import PULLOVER, SHIRT, T_SHIRT, random_cut
from model_build.cutout.examples import Examples
from model_build.cutout.export import export, int8_model
from model_build.cutout.layout import with_channels_last
from model_build.cutout.network import CutOutNetwork, normalized
from model_build.cutout.people import worn
from model_build.cutout.shoes import shoe
from model_build.cutout.train import CutOutConfig, intersection_over_union, train
from model_build.run_files import write_json

pytestmark = pytest.mark.usefixtures("datasets_dir", "composites_without_photos")


def examples(count: int) -> Examples:
    made = [composite(random.Random(number), SIDE) for number in range(count)]
    return Examples(np.stack([np.asarray(each.image) for each in made]), np.stack([each.mask for each in made]))


def test_composite_has_the_garment_in_it_and_is_the_same_for_the_same_seed() -> None:
    for seed in range(20):
        first, second = (composite(random.Random(seed), 80) for _ in range(2))
        assert first.image.size == (80, 80)
        assert 0.005 < first.mask.mean() < 0.95
        assert np.array_equal(np.asarray(first.image), np.asarray(second.image))
        assert np.array_equal(first.mask, second.mask)


def test_person_wears_the_garment_and_stands_on_the_ground() -> None:
    ground = Image.new("RGB", (128, 128), (0, 255, 0))
    person = worn(random.Random(3), ground)
    drawn = (np.asarray(person.picture) != (0, 255, 0)).any(axis=-1)
    garment = np.asarray(person.mask) > 128
    assert 0 < garment.sum() < drawn.sum()
    assert drawn[garment].mean() > 0.99


def test_shop_composites_show_worn_tops_shoes_and_goods_of_classes_and_of_none() -> None:
    made = [shop_composite(random.Random(seed), 64) for seed in range(60)]
    assert {each.class_id for each in made} == {None, 0, 2, 3, 4, 5, 6, 7, 8, 9}
    assert all(0.005 < each.mask.mean() < 0.95 for each in made)
    again = shop_composite(random.Random(7), 64)
    assert np.array_equal(np.asarray(again.image), np.asarray(made[7].image))


def test_drawn_boots_are_taller_than_drawn_sneakers() -> None:
    drawn = [shoe(random.Random(seed)) for seed in range(60)]
    shapes = {
        kind: [each.cutout.height / each.cutout.width for each in drawn if each.class_id == kind] for kind in (7, 9)
    }
    assert min(shapes[9]) > np.median(shapes[7])


def test_sleeves_of_drawn_garments_follow_their_class() -> None:
    cuts = [random_cut(random.Random(seed)) for seed in range(300)]
    assert max(cut.sleeve for cut in cuts if cut.class_id == T_SHIRT) < 1
    assert min(cut.sleeve for cut in cuts if cut.class_id == PULLOVER and not cut.vest) > 1
    assert {cut.sleeve for cut in cuts if cut.vest} == {0}
    assert all(cut.front == "buttons" and cut.neck == "collar" for cut in cuts if cut.class_id == SHIRT)


def test_network_learns_what_it_is_shown(tmp_path: Path) -> None:
    shown = examples(8)
    repeated = Examples(np.tile(shown.images, (70, 1, 1, 1)), np.tile(shown.masks, (70, 1, 1)))
    network = train(repeated, tmp_path, CutOutConfig(samples=16 * 60, batch=16, average=0.9))
    assert intersection_over_union(network, repeated) > 0.6


def test_interrupted_training_goes_on_at_its_last_step(tmp_path: Path) -> None:
    shown = examples(4)
    repeated = Examples(np.tile(shown.images, (130, 1, 1, 1)), np.tile(shown.masks, (130, 1, 1)))
    config = CutOutConfig(samples=8, batch=4)
    first = train(repeated, tmp_path, config).state_dict()
    again = train(repeated, tmp_path, config).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_int8_file_finds_the_masks_of_the_network(tmp_path: Path) -> None:
    shown = examples(8)
    repeated = Examples(np.tile(shown.images, (70, 1, 1, 1)), np.tile(shown.masks, (70, 1, 1)))
    network = train(repeated, tmp_path, CutOutConfig(samples=16 * 40, batch=16, average=0.9))
    export(network, shown.images, tmp_path / "cutout.onnx")
    with torch.inference_mode():
        expected = network(normalized(torch.from_numpy(shown.images)))[:, 0].numpy() > 0
    cut_out = CutOut(tmp_path / "cutout.onnx")
    found = np.stack([cut_out.mask(Image.fromarray(image)) >= 0.5 for image in shown.images])
    assert (found & expected).sum() / (found | expected).sum() > 0.95


def test_channels_last_are_bit_equal() -> None:
    pictures = examples(8).images
    first = int8_model(CutOutNetwork(), pictures)
    outputs = [
        ort.InferenceSession(model.SerializeToString()).run(None, {"images": pictures})[0]
        for model in (first, with_channels_last(first))
    ]
    assert outputs[0].shape == (8, 1, SIDE, SIDE)
    assert np.ptp(outputs[0]) > 0
    assert np.array_equal(*outputs)


@pytest.mark.slow
def test_one_call_composes_trains_exports_evaluates_and_publishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {kind: found[:5] for kind, found in evaluate.pictures().items()}
    monkeypatch.setattr(evaluate, "pictures", lambda *_: few)
    file, card = tmp_path / "cutout.onnx", tmp_path / "classifier.json"
    shutil.copyfile(CARD_PATH, card)
    build(tmp_path / "run", CutOutConfig(composites=1_000, samples=32, batch=16), file, card)
    entry = json.loads(card.read_text(encoding="utf-8"))["cut_out"]
    assert entry["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {kind: found["images"] for kind, found in entry["metrics"].items()} == dict.fromkeys(few, 5)
    assert CutOut(file).mask(Image.new("RGB", (50, 80))).shape == (SIDE, SIDE)


def test_card_names_the_cut_out_once_after_the_classifier(tmp_path: Path) -> None:
    card = tmp_path / "card.json"
    write_json(card, {"name": "clothes", "model": {}, "metrics": {}})
    for file in ("old.onnx", "new.onnx"):
        add_to_card(card, {"file": file})
    found = json.loads(card.read_text(encoding="utf-8"))
    assert list(found) == ["name", "model", "cut_out", "metrics"]
    assert found["cut_out"] == {"file": "new.onnx"}


def test_network_is_as_large_as_intended() -> None:
    assert CutOutNetwork().parameter_count < 150_000
