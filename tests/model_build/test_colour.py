"""The colour network: pretrained weights, alterations, a step of training, export."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from PIL import Image

from handler.inference.colour import ColourClassifier
from model_build.colour import build as colour_build
from model_build.colour.export import FLOAT_FILE, export
from model_build.colour.images import NONE, ColourImages, altered, as_served
from model_build.colour.mixing import mixed
from model_build.colour.network import ALL_BLOCKS, LITE0, LITE2, LITE2_BLOCKS, ColourNetwork, Size, normalized
from model_build.colour.recipe import SIDE, STORED_SIDE, STUDENT, TEACHERS, Recipe
from model_build.colour.rounding import round_weights
from model_build.colour.sources import Enlarged, Images, Photos
from model_build.colour.train import ColourData, train
from model_build.datasets.clothing_photos import clothing_photos
from model_build.datasets.everyday_things import Thing


def images(count: int) -> ColourImages:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (count, STORED_SIDE, STORED_SIDE, 3), np.uint8)
    return ColourImages(pixels, np.arange(count) % 11, np.full(count, 1 / count))


def test_sources_keep_the_class_of_what_they_show() -> None:
    given, masks = images(11), np.zeros((11, 64, 64), np.uint8)
    masks[:, 10:50, 20:40] = 255
    for seed in range(40):
        image, class_id = Photos(given, masks).drawn(random.Random(seed))
        whole = [(image == other).all() for other in given.images]
        assert image.shape == (STORED_SIDE, STORED_SIDE, 3)
        assert not any(whole) or whole.index(True) == class_id


def test_photo_without_a_garment_is_shown_whole() -> None:
    given = images(1)
    photos, rng = Photos(given, np.zeros((1, 64, 64), np.uint8)), random.Random(0)
    assert all((photos.drawn(rng)[0] == given.images[0]).all() for _ in range(10))


def test_garment_of_a_photo_is_moved_to_other_grounds() -> None:
    red = np.full((1, STORED_SIDE, STORED_SIDE, 3), (255, 0, 0), np.uint8)
    masks = np.zeros((1, 64, 64), np.uint8)
    masks[:, 16:48, 16:48] = 255
    photos, rng = Photos(ColourImages(red, np.array([3]), np.ones(1)), masks), random.Random(0)
    shown = [photos.drawn(rng)[0] for _ in range(40)]
    assert all((image[96, 96] == (255, 0, 0)).all() for image in shown)
    assert any((image[2, 2] == 255).all() for image in shown)


def test_enlarged_images_of_clothes_keep_their_class_and_others_are_none() -> None:
    blank = np.zeros((3, 28, 28), np.uint8)
    source, rng = Enlarged(blank, np.array([4, 4, 4]), blank), random.Random(0)
    drawn = [source.drawn(rng) for _ in range(60)]
    assert {class_id for _, class_id in drawn} == {4, NONE}
    assert all(image.shape == (STORED_SIDE, STORED_SIDE, 3) for image, _ in drawn)


@pytest.mark.parametrize(
    ("blocks", "size"), [(3, LITE0), (12, LITE0), (13, LITE0), (ALL_BLOCKS, LITE0), (LITE2_BLOCKS, LITE2)]
)
def test_pretrained_weights_fill_a_network_whole_or_cut_short(blocks: int, size: Size) -> None:
    network = ColourNetwork(blocks, size)
    network.load_pretrained()
    deepest = network.blocks[-1].state_dict()
    assert all(bool(value.abs().sum() > 0) for name, value in deepest.items() if name.endswith("running_var"))


def test_altered_images_keep_their_size_and_depend_on_the_seed_alone() -> None:
    image = images(1).images[0]
    first, again, other = (altered(image, random.Random(seed)) for seed in (1, 1, 2))
    assert first.shape == (SIDE, SIDE, 3)
    assert (first == again).all()
    assert (first != other).any()


def test_mixed_photos_have_targets_in_the_same_shares() -> None:
    """Each photo is of one value, which is its class: the mean of a mixed one is then that of its target."""
    classes, chosen = torch.arange(4.0), torch.tensor([True, False, True, True])
    pixels = classes[:, None, None, None].expand(4, 3, 20, 20)
    for seed in range(8):
        found, targets = mixed(pixels, torch.eye(4), chosen, random.Random(seed))
        torch.testing.assert_close(found.mean(dim=(1, 2, 3)), targets @ classes)
        assert torch.equal(targets[1], torch.eye(4)[1])


def test_interrupted_training_resumes_after_its_last_epoch(tmp_path: Path) -> None:
    given = images(11)
    source = Images(given)
    data = ColourData(source, source, source, given)
    recipe = Recipe(blocks=3, frozen_parts=2, epochs=1, epoch_images=4, batch_size=4)
    first = train(tmp_path, recipe, data)
    again = train(tmp_path, recipe, data)
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_int8_file_agrees_with_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = ColourNetwork(4)
    network.load_pretrained()
    served = np.stack([as_served(image) for image in images(8).images])
    file = export(tmp_path, network.eval(), 1.0, served)
    channels_first = served.transpose(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(normalized(torch.from_numpy(channels_first.copy()))).softmax(dim=1).numpy()
    (in_float,) = ort.InferenceSession(tmp_path / FLOAT_FILE).run(None, {"images": channels_first})
    (in_int8,) = ort.InferenceSession(file).run(None, {"images": served})
    np.testing.assert_allclose(in_float, expected, atol=1e-4)
    np.testing.assert_allclose(in_int8, expected, atol=0.05)


def test_rounded_weights_are_those_of_the_int8_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = ColourNetwork(4).eval()
    network.load_pretrained()
    served = np.stack([as_served(image) for image in images(8).images])
    of_file = ort.InferenceSession(export(tmp_path, network, 1.0, served)).run(None, {"images": served})[0]
    given = normalized(torch.from_numpy(served.transpose(0, 3, 1, 2).copy()))
    state = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        in_float = network(given).softmax(dim=1).numpy()
        round_weights(network)
        in_rounded = network(given).softmax(dim=1).numpy()
    assert np.abs(in_rounded - of_file).mean() < np.abs(in_float - of_file).mean() / 2
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_network_learns_with_rounded_weights(tmp_path: Path) -> None:
    given = images(11)
    source = Images(given)
    recipe = Recipe(blocks=3, frozen_parts=2, epochs=1, epoch_images=8, batch_size=4, rounded_epochs=1)
    learned = train(tmp_path, recipe, ColourData(source, source, source, given))
    pretrained = ColourNetwork(3)
    pretrained.load_pretrained()
    before, after = pretrained.state_dict(), learned.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("blocks.2."))


@pytest.mark.slow
@pytest.mark.usefixtures("datasets_dir", "composites_without_photos")
def test_one_call_trains_a_teacher_and_a_student_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = clothing_photos()[::60]
    monkeypatch.setattr(colour_build, "clothing_photos", lambda: few)
    Image.new("RGBA", (40, 30), (200, 40, 40, 255)).save(tmp_path / "cup.png")
    monkeypatch.setattr(colour_build, "everyday_things", lambda: [Thing(tmp_path / "cup.png", 1)])
    student = replace(STUDENT, composites=20, epochs=1, epoch_images=32)
    teachers = [replace(student, blocks=3, frozen_parts=2), replace(TEACHERS[1], epochs=1, epoch_images=32)]
    file = colour_build.build(tmp_path, student, teachers)
    probabilities = ColourClassifier(file).predict(Image.new("RGB", (50, 80)))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
