"""A folder of one's own classes, from images to a model that the server loads; and the steps in between."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import torch
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from handler.api.app import create_app
from handler.contract import Title
from handler.inference.card import read_card
from handler.inference.classifier import Classifier
from handler.settings import Settings
from model_build.__main__ import app
from model_build.checks import WrongFolder
from model_build.colour.rounding import round_weights
from model_build.own_classes.build import STAGES, Build, load_recipe, open_build
from model_build.own_classes.commands import Choices, recipe_of
from model_build.own_classes.data import load_examples
from model_build.own_classes.evaluate import output_of
from model_build.own_classes.linear_layer import scale_of
from model_build.own_classes.network import build_network, normalized
from model_build.own_classes.recipe import LITE0, SCRATCH, SMALL, from_scratch, like_fashion_mnist, pretrained
from model_build.own_classes.train import start_network, train
from model_build.run_files import BEST_WEIGHTS_FILE, RunError
from tests.support.drawn_classes import CLASSES, draw_classes

_QUICK: Final = ("--side", "64", "--max-kib", "1024", "--epochs", "1")


def build_of(tmp_path: Path, recipe_changes: dict[str, object], base: str = SCRATCH) -> Build:
    """A run of one small epoch on drawn images."""
    shop = draw_classes(tmp_path / "shop", side=40)
    recipe = {SCRATCH: from_scratch, LITE0: pretrained, SMALL: like_fashion_mnist}[base](str(shop))
    recipe = replace(recipe, **{"epochs": 1, "max_kib": 64, "batch_size": 16, **recipe_changes})  # type: ignore[arg-type]
    return Build(tmp_path / "run", recipe, load_examples(recipe, tmp_path / "data"))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my-shop, and with the run and the model that `all` made of it."""
    folder = tmp_path_factory.mktemp("own")
    draw_classes(folder / "my-shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(app, ["all", "--dataset", "my-shop", *_QUICK])
    assert result.exit_code == 0, result.output
    assert "serve it: make run MODEL=runs/my-shop" in result.output
    return folder


def invoked(workplace: Path, *arguments: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        return CliRunner().invoke(app, arguments)


def test_model_of_a_folder_answers_over_http(workplace: Path) -> None:
    model = workplace / "runs" / "my-shop" / "model"
    classifier, card = Classifier.of_folder(model), read_card(model / "classifier.json")
    image = (workplace / "my-shop" / "große Kreuze" / "3.png").read_bytes()
    with TestClient(create_app(classifier, card, Settings())) as client:
        answer = client.post("/classify", files={"file": image}, params={"top_k": 4}).json()
    assert {row["label"] for row in answer["predictions"]} == set(CLASSES)
    assert sum(row["score"] for row in answer["predictions"]) == pytest.approx(1, abs=0.01)
    assert answer["label"] == "große Kreuze"


def test_card_has_input_labels_split_and_metrics(workplace: Path) -> None:
    card = read_card(workplace / "runs" / "my-shop" / "model" / "classifier.json")
    assert card.input.shape == (3, 64, 64)
    assert card.input.preprocessing == "resize"
    assert [label.english for label in card.labels] == sorted(CLASSES)
    document = card.document
    assert document["name"] == document["dataset"]["name"] == "my-shop"
    assert card.title == Title("image", "图片")
    assert sum(document["dataset"]["images"].values()) == 48
    assert "by hash" in document["dataset"]["split"]
    assert document["model"]["bytes"] < 1024 * 1024
    assert 0 <= document["calibration"]["known_threshold"] <= 1
    metrics = document["metrics"]["int8"]
    assert metrics["images"] == document["dataset"]["images"]["test"]
    assert len(metrics["per_class"]) == 4
    assert metrics["unknown"]["made"]["images"] == 500


def test_history_begins_with_the_linear_layer(workplace: Path) -> None:
    with (workplace / "runs" / "my-shop" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0.0", "1.0"]
    assert rows[0]["train_loss"] == "nan"


def test_stages_can_be_repeated_alone(workplace: Path) -> None:
    run = workplace / "runs" / "my-shop"
    before = json.loads((run / "metrics.json").read_text())
    result = invoked(workplace, "evaluate", "--dataset", "my-shop")
    assert result.exit_code == 0, result.output
    assert json.loads((run / "metrics.json").read_text()) == before


def test_reports_know_the_run(workplace: Path) -> None:
    assert "my-shop" in invoked(workplace, "runs").output
    assert "(the same)" in invoked(workplace, "compare", "my-shop", "my-shop").output
    for plot, file in (("mistakes", "mistakes.html"), ("confusion", "confusion.png"), ("curves", "curves.png")):
        assert invoked(workplace, "show", plot, "--dataset", "my-shop").exit_code == 0
        assert (workplace / "runs" / "my-shop" / file).stat().st_size > 100


def test_other_configuration_does_not_overwrite_a_run(workplace: Path) -> None:
    result = invoked(workplace, "train", "--dataset", "my-shop", "--side", "96")
    assert isinstance(result.exception, RunError)
    assert "another configuration" in str(result.exception)


def test_run_refuses_classes_and_images_that_it_has_not_learned_from(tmp_path: Path) -> None:
    build = build_of(tmp_path, {"side": 32})
    build.train()
    shop = tmp_path / "shop"
    (shop / CLASSES[0]).rename(shop / "zebra")  # as many classes, in another order
    renamed = Build(build.run_dir, build.recipe, load_examples(build.recipe, tmp_path / "data"))
    for stage in (Build.train, Build.calibrate, Build.export):
        with pytest.raises(RunError, match=r"the classes of .* are no longer those"):
            stage(renamed)
    (shop / "zebra").rename(shop / CLASSES[0])
    (shop / CLASSES[0] / "3.png").rename(shop / CLASSES[3] / "moved.png")
    moved = Build(build.run_dir, build.recipe, load_examples(build.recipe, tmp_path / "data"))
    with pytest.raises(RunError, match=r"the images of .* are no longer those"):
        moved.train()


def test_check_of_a_good_folder_exits_with_0_and_of_a_broken_one_with_1(workplace: Path, tmp_path: Path) -> None:
    good = invoked(workplace, "check", "my-shop")
    assert good.exit_code == 0
    assert "große Kreuze" in good.output
    broken = draw_classes(tmp_path / "broken", ("only",), 6)
    assert invoked(tmp_path, "check", str(broken)).exit_code == 1
    with pytest.raises(WrongFolder, match="there is only the class 'only'"):
        load_examples(pretrained(str(broken)), tmp_path / "data")


def test_new_run_starts_from_another_run_with_other_classes(workplace: Path, tmp_path: Path) -> None:
    run = workplace / "runs" / "my-shop"
    shop = draw_classes(tmp_path / "three", CLASSES[:3], 8)
    recipe = recipe_of(str(shop), Choices(start_from=str(run)))
    assert recipe.side == 64
    network, weights = start_network(recipe, 3), torch.load(run / BEST_WEIGHTS_FILE, weights_only=True)
    own = network.state_dict()
    assert own["classes.weight"].shape[0] == 3
    assert all(torch.equal(own[name], value) for name, value in weights.items() if not name.startswith("classes"))


@pytest.mark.parametrize(
    ("base", "changes"), [(SCRATCH, {"side": 32}), (SMALL, {})], ids=["from scratch", "like fashion-mnist"]
)
def test_small_networks_go_through_all_stages(base: str, changes: dict[str, object], tmp_path: Path) -> None:
    build = build_of(tmp_path, changes, base)
    build.train()
    for stage in STAGES.values():
        stage(build)
    classifier = Classifier.of_folder(build.publish())
    assert classifier.input == build.recipe.form
    assert json.loads((build.run_dir / "metrics.json").read_text())["int8"]["bytes"] < 64 * 1024


def test_interrupted_training_resumes_to_the_same_weights(tmp_path: Path) -> None:
    whole = build_of(tmp_path / "whole", {"side": 32, "epochs": 2})
    whole.train()
    parted = build_of(tmp_path / "parted", {"side": 32, "epochs": 2})
    resume = parted.run_dir / "resume.pt"
    parted.train()
    state = torch.load(resume, weights_only=True)
    again = torch.load(whole.run_dir / "resume.pt", weights_only=True)
    assert all(torch.equal(value, again["network"][name]) for name, value in state["network"].items())
    parted.train()  # it has ended: nothing changes
    assert len(torch.load(resume, weights_only=True)["history"]) == 3


def test_training_ends_with_weights_rounded_as_in_the_int8_file(tmp_path: Path) -> None:
    build = build_of(tmp_path, {"side": 32, "float_epochs": 0})
    trained = train(build.run_dir, build.recipe, build.examples)
    plain = build_network(build.recipe, len(CLASSES)).eval()
    plain.load_state_dict(torch.load(build.run_dir / BEST_WEIGHTS_FILE, weights_only=True))
    images = normalized(torch.from_numpy(build.examples.test.served[:, 0]))
    with torch.inference_mode():
        assert not torch.allclose(trained(images), plain(images), atol=1e-4)
        round_weights(plain)
        assert torch.allclose(trained(images), plain(images), atol=1e-4)


def test_feature_that_hardly_varies_gets_no_weight_that_dwarfs_the_others() -> None:
    """Weights are divided by this scale, and then rounded to 7 bits, which resolve 64 steps."""
    features = torch.randn(200, 10, generator=torch.Generator().manual_seed(1))
    features[:, 0] *= 1e-4
    scale = scale_of(features)
    assert scale.max() / scale.min() < 10
    assert torch.equal(scale[1:], features.std(dim=0, unbiased=False)[1:])


def test_recipe_is_read_as_it_was_saved(workplace: Path) -> None:
    run = workplace / "runs" / "my-shop"
    recipe = load_recipe(run)
    assert recipe.epochs == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        assert open_build(run).recipe == recipe


def test_int8_answers_as_the_network(workplace: Path) -> None:
    run = workplace / "runs" / "my-shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        examples = open_build(run).examples
    labels, pixels = examples.labels, examples.train.served[:, 0]
    in_float, in_int8 = (Classifier(run / f"{name}.onnx", labels, preprocessing="resize") for name in ("float", "int8"))
    of_float, of_int8 = in_float.probabilities(pixels), in_int8.probabilities(pixels)
    assert (of_float.argmax(axis=1) == of_int8.argmax(axis=1)).mean() > 0.9


def test_known_tells_the_classes_from_made_images_and_in_fine_steps(workplace: Path) -> None:
    run = workplace / "runs" / "my-shop"
    metrics = json.loads((run / "metrics.json").read_text())["int8"]
    assert metrics["unknown"]["made"]["auroc"] > 0.9
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        examples = open_build(run).examples
    classifier = Classifier(run / "int8.onnx", examples.labels, preprocessing="resize")
    known = output_of(classifier, examples.train).known
    assert len(set(known.tolist())) > len(known) / 2  # quantized to a byte, most would be equal
