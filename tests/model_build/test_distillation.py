"""Distillation: mixed images, teachers, and a student that learns from them."""

from dataclasses import fields, replace
from math import inf
from pathlib import Path
from shutil import copytree

import pytest
import torch
from typer.testing import CliRunner

from model_build.__main__ import app
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.datasets.packed import pack, unpack
from model_build.datasets.training_set import Examples, TrainingSet
from model_build.distillation.distil import distil
from model_build.distillation.mixing import mix, mixed_loss
from model_build.distillation.recipe import PRESETS, Distillation
from model_build.distillation.teachers import load_teachers, soft_targets, validated
from model_build.run_files import FINE_TUNED_WEIGHTS_FILE, RunError, read_distillations
from model_build.training.checkpoint import trained_network

_RECIPE = replace(
    PRESETS["cpu"],
    teachers=2,
    teacher_widths=(16, 16, 16),
    teacher_blocks=1,
    teacher_epochs=8,
    teacher_batch=32,
    mixed_share=0.2,
    student_epochs=2,
    warmup_share=0.2,
    student_batch=32,
    photos_per_batch=4,
    shop_pictures_per_batch=4,
    negatives_per_batch=4,
    asked_share=1,
)
_CONFIG = Config(widths=(4, 4, 4), blocks_per_stage=1, doubtful_below=0, shift_pixels=0, erasing_probability=0)
_DISTILLATION = Distillation(_CONFIG, _RECIPE, torch.device("cpu"))
_REPLAYED = replace(_DISTILLATION, recipe=replace(_RECIPE, asked_share=0.25, student_epochs=20))


def test_mixed_images_have_the_shares_that_are_told() -> None:
    images = torch.arange(64.0)[:, None, None, None].expand(64, 1, 28, 28).contiguous()
    mixed = mix(images, 0.8, torch.Generator().manual_seed(1))
    means = mixed.images.mean((1, 2, 3))
    expected = mixed.share * torch.arange(64.0) + (1 - mixed.share) * mixed.partner
    torch.testing.assert_close(means, expected)
    assert 5 < int((mixed.share == 1).sum()) < 25
    cut = torch.tensor([len(image.unique()) == 2 for image in mixed.images])
    assert 10 < int(cut.sum()) < 45  # the others are blended, or unmixed


def test_unmixed_images_have_the_loss_of_their_labels() -> None:
    images, labels, logits = torch.rand(8, 1, 28, 28), torch.arange(8), torch.rand(8, 10)
    mixed = mix(images, 0, torch.Generator().manual_seed(1))
    assert torch.equal(mixed.images, images)
    torch.testing.assert_close(mixed_loss(logits, labels, mixed), torch.nn.functional.cross_entropy(logits, labels))


def test_packed_training_set_is_the_same_when_unpacked(tmp_path: Path) -> None:
    given = _stripes()
    pack(given, tmp_path / "packed.xz")
    found = unpack(tmp_path / "packed.xz")
    for part in fields(TrainingSet):
        assert torch.equal(getattr(found, part.name).images, getattr(given, part.name).images)
        assert torch.equal(getattr(found, part.name).allowed, getattr(given, part.name).allowed)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, and the packed training set beside it."""
    folder = tmp_path_factory.mktemp("distillation")
    pack(_stripes(), folder / "packed.xz")
    assert distil(folder / "run", _DISTILLATION, packed=folder / "packed.xz")
    return folder


def test_teachers_learn_the_classes(whole_run: Path) -> None:
    teachers = load_teachers(whole_run / "run" / "teachers", _DISTILLATION)
    accuracy, loss = validated(teachers, _CONFIG, _stripes().validation)
    assert len(teachers) == 2
    assert accuracy > 0.9
    assert loss < 1


def test_soft_targets_are_flatter_at_a_higher_temperature(whole_run: Path) -> None:
    teachers = load_teachers(whole_run / "run" / "teachers", _DISTILLATION)
    images = torch.rand(4, 1, 28, 28)
    sharp, flat = (soft_targets(teachers, images, temperature) for temperature in (1, 4))
    torch.testing.assert_close(sharp.sum(dim=1), torch.ones(4))
    assert bool((flat.max(dim=1).values < sharp.max(dim=1).values).all())


def test_interrupted_run_ends_with_the_same_weights(whole_run: Path) -> None:
    again = whole_run / "again"
    assert not distil(again, _DISTILLATION, seconds=0, packed=whole_run / "packed.xz")
    assert distil(again, _DISTILLATION, seconds=inf, packed=whole_run / "packed.xz")
    first, second = (torch.load(run / FINE_TUNED_WEIGHTS_FILE) for run in (whole_run / "run", again))
    for name, weights in first.items():
        assert torch.equal(weights, second[name]), name


def test_student_learns_the_classes_from_answers_of_before(whole_run: Path) -> None:
    run = whole_run / "replayed"
    copytree(whole_run / "run" / "teachers", run / "teachers")
    assert distil(run, _REPLAYED, packed=whole_run / "packed.xz")
    examples = _stripes().validation
    logits = trained_network(run, _CONFIG)(normalize(examples.images, DATASETS[_CONFIG.dataset]))
    right = logits[:, :-1].argmax(dim=1) == examples.allowed.int().argmax(dim=1)
    assert right.float().mean().item() > 0.5  # chance is 0.1


def test_student_goes_on_from_a_run_with_its_teachers(whole_run: Path) -> None:
    start, run = whole_run / "run", whole_run / "further"
    further = replace(_DISTILLATION, recipe=replace(_RECIPE, student_learning_rate=1e-6), start=start)
    assert distil(run, further, packed=whole_run / "packed.xz")
    before, after = (trained_network(folder, _CONFIG) for folder in (start, run))
    for first, second in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(first, second, atol=1e-4, rtol=0)
    assert not (run / "teachers").exists()
    assert [each["student_learning_rate"] for each in read_distillations(run)] == [_RECIPE.student_learning_rate, 1e-6]


def test_photos_are_learned_and_others_become_unknown(whole_run: Path) -> None:
    of_photos = replace(_RECIPE, student_epochs=20, student_learning_rate=0.05, photos_per_batch=32)
    run = whole_run / "photos"
    assert distil(
        run, replace(_DISTILLATION, recipe=of_photos, start=whole_run / "run"), packed=whole_run / "packed.xz"
    )
    examples = _stripes()
    network = trained_network(run, _CONFIG)
    known, unknown = (
        network(normalize(part.images, DATASETS[_CONFIG.dataset]))[:, -1].mean()
        for part in (examples.photos, examples.non_clothing)
    )
    assert known.item() > unknown.item() + 1


def test_run_that_diverges_is_an_error(whole_run: Path) -> None:
    run = whole_run / "diverging"
    fast = replace(_DISTILLATION, recipe=replace(_RECIPE, student_learning_rate=1e6), start=whole_run / "run")
    with pytest.raises(RunError, match="diverged in epoch 1"):
        distil(run, fast, packed=whole_run / "packed.xz")
    assert not (run / FINE_TUNED_WEIGHTS_FILE).exists()


def test_run_to_start_from_without_a_teacher_is_an_error(whole_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no teachers/teacher-1\.pt yet: python -m model_build distil"):
        distil(tmp_path, replace(_DISTILLATION, start=tmp_path), packed=whole_run / "packed.xz")


def test_run_cannot_start_from_itself(whole_run: Path) -> None:
    run = str(whole_run / "run")
    result = CliRunner().invoke(app, ["distil", "--preset", "further", "--start-from", run, "--run", run])
    assert result.exit_code == 2
    assert "start from" in result.stderr


def test_student_is_a_network_of_the_release_stages(whole_run: Path) -> None:
    network = trained_network(whole_run / "run", _CONFIG)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 11)


def _stripes() -> TrainingSet:
    """Ten classes of dark images, each with a bright row of its own."""
    generator = torch.Generator().manual_seed(7)
    classes = torch.arange(320) % 10
    images = torch.randint(0, 40, (320, 28, 28), dtype=torch.uint8, generator=generator)
    images[torch.arange(320), 2 + 2 * classes] = 255
    examples = Examples.without_teacher(images, torch.nn.functional.one_hot(classes, 10).bool())
    noise = Examples.negatives(torch.randint(0, 256, (40, 28, 28), dtype=torch.uint8, generator=generator))
    few = examples[torch.arange(40)]
    return TrainingSet(examples, few, few, noise, noise, few, few, few, noise)
