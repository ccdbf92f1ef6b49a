"""Recipes of own classes: options make them, networks fit into their size, altered images keep their shape."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from model_build.__main__ import app
from model_build.own_classes.augmentation import alteration, outlier
from model_build.own_classes.commands import Choices, recipe_of
from model_build.own_classes.network import build_network, estimated_bytes, normalized
from model_build.own_classes.recipe import IMAGENET, SCRATCH, from_run, from_scratch, like_fashion_mnist, pretrained
from model_build.own_classes.train import start_network
from model_build.run_files import BEST_WEIGHTS_FILE, RunError


@pytest.mark.parametrize("classes", [3, 37, 500])
@pytest.mark.parametrize("side", [28, 96, 224])
@pytest.mark.parametrize("max_kib", [256, 512])
def test_network_from_scratch_fits_into_its_size_for_any_classes(classes: int, side: int, max_kib: int) -> None:
    recipe = replace(from_scratch("shop"), side=side, max_kib=max_kib)
    network = build_network(recipe, classes).eval()
    assert max_kib * 1024 / 2 < estimated_bytes(network) <= max_kib * 1024
    with torch.inference_mode():
        maps = network.activation_maps(normalized(torch.zeros(1, 3, side, side, dtype=torch.uint8)))
    assert maps.shape[:2] == (1, classes)
    assert maps.shape[2] in (6, 7)


def test_too_small_a_file_is_refused_with_what_to_do() -> None:
    with pytest.raises(RunError, match="raise --max-kib"):
        build_network(replace(from_scratch("shop"), max_kib=32), 1_000)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (Choices(), (IMAGENET, 160, 3, "resize")),
        (Choices(side=96), (IMAGENET, 96, 3, "resize")),
        (Choices(side=48), (SCRATCH, 48, 3, "resize")),
        (Choices(grey=True), (SCRATCH, 96, 1, "resize")),
        (Choices(start_from=SCRATCH), (SCRATCH, 96, 3, "resize")),
        (Choices(like_fashion_mnist=True), (SCRATCH, 28, 1, "cut-out")),
    ],
    ids=["default", "smaller", "tiny", "grey", "scratch", "like"],
)
def test_choices_make_a_recipe(choices: Choices, expected: tuple[str, int, int, str], tmp_path: Path) -> None:
    recipe = recipe_of(str(tmp_path), choices)
    assert (recipe.start_from, recipe.side, recipe.channels, recipe.preprocessing) == expected


@pytest.mark.parametrize(
    "choices",
    [
        Choices(grey=True, start_from=IMAGENET),
        Choices(like_fashion_mnist=True, start_from=IMAGENET),
        Choices(like_fashion_mnist=True, side=96),
    ],
    ids=["grey imagenet", "cut-out imagenet", "cut-out side"],
)
def test_choices_that_contradict_each_other_are_refused(choices: Choices, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="leave out"):
        recipe_of(str(tmp_path), choices)


@pytest.mark.parametrize(
    "arguments",
    [
        "all --dataset my-shop --batch-size 32",
        "train --dataset my-shop --photo-variants 0",
        "all --dataset mnist --side 96",
        "train --dataset fashion-mnist --grey",
    ],
)
def test_option_that_does_nothing_for_the_dataset_is_refused(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments.split(), env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert f"not of {arguments.split()[2]}: leave it out" in result.output
    assert list(tmp_path.iterdir()) == []


def test_run_of_the_same_images_gives_its_groups_to_the_next(tmp_path: Path) -> None:
    source = replace(pretrained(str(tmp_path / "shop")), groups="senders.csv")
    assert from_run(str(tmp_path / "shop" / "."), "runs/shop", source).groups == "senders.csv"
    assert from_run(str(tmp_path / "other"), "runs/shop", source).groups is None


def test_start_from_a_network_of_other_widths_says_how_much_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = replace(from_scratch("shop"), side=32, max_kib=128)
    torch.save(build_network(source, 4).state_dict(), tmp_path / BEST_WEIGHTS_FILE)
    start_network(replace(source, start_from=str(tmp_path)), 5)
    assert caplog.messages == []
    start_network(replace(source, start_from=str(tmp_path), max_kib=64), 4)
    assert caplog.messages == ["0 % of the weights come from the run, since its network has other widths"]


def test_names_of_torchvision_have_their_own_input() -> None:
    recipe = recipe_of("kmnist", Choices())
    assert (recipe.side, recipe.channels, recipe.mirror, recipe.start_from) == (28, 1, False, SCRATCH)
    assert recipe_of("oxford-pets", Choices()).start_from == IMAGENET


@pytest.mark.parametrize("recipe", [pretrained("shop"), from_scratch("shop"), like_fashion_mnist("shop")], ids=str)
def test_altered_images_and_outliers_have_the_shape_of_the_input(recipe: object) -> None:
    assert isinstance(recipe, type(pretrained("")))
    side = round(recipe.side * 1.2) if recipe.preprocessing == "resize" else recipe.side
    image = torch.randint(0, 256, (recipe.channels, side, side), dtype=torch.uint8)
    rng, alter = random.Random(0), alteration(recipe)
    for _ in range(20):
        altered = alter(image)
        assert altered.shape == recipe.form.shape
        assert altered.dtype == torch.uint8
        made = outlier(altered, rng)
        assert made.shape == recipe.form.shape
        assert made.dtype == torch.uint8
