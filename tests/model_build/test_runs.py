"""Runs are listed and compared; errors name what is missing or damaged."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_build.__main__ import app
from model_build.config import Config
from model_build.reporting import runs
from model_build.run_files import (
    CONFIG_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    RunError,
    load_config,
    require,
    save_config,
)
from tests.model_build.conftest import Build, ModelBuild
from tests.support.small_run import ONE_EPOCH

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # both datasets are built, on a busy machine perhaps

NAMES = ("finished", "trained")
SMALL = replace(ONE_EPOCH, epochs=2)


@pytest.fixture(scope="module")
def folder(build: Build, trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run was finished, and another was only trained."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(build("fashion-mnist") / "runs" / "fashion-mnist", folder / "runs" / "finished")
    shutil.copytree(trained_run, folder / "runs" / "trained")
    return folder


def test_runs_are_listed_with_their_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lines = CliRunner().invoke(app, ["runs"]).stdout.splitlines()
    finished, trained = (next(line for line in lines if name in line) for name in NAMES)
    assert "2/2" in finished
    assert finished.count(" %") == 2
    assert "KiB" in finished
    assert "1/1" in trained
    assert trained.count(" %") == 1


def test_planned_epochs_are_those_of_both_cycles(tmp_path: Path) -> None:
    save_config(tmp_path, Config(epochs=3, fine_tuning_epochs=4))
    assert epochs_listed(tmp_path) == "0/7"


@pytest.mark.parametrize("known", ['"seed"', '"fashion-mnist"'])
def test_planned_epochs_of_unknown_settings_are_missing(known: str, tmp_path: Path) -> None:
    save_config(tmp_path, SMALL)
    settings = tmp_path / CONFIG_FILE
    settings.write_text(settings.read_text().replace(known, '"other"'))
    assert epochs_listed(tmp_path) == "0/–"


def epochs_listed(folder: Path) -> object:
    (cell,) = runs.runs_table([runs.read(folder)]).columns[2].cells
    return cell


def test_compare_shows_differences_in_settings_and_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lines = CliRunner().invoke(app, ["compare", *NAMES]).stdout.splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    rows = {row[0]: row[1:] for row in cells}
    assert rows["seed"] == ["1", "2"]
    assert rows["fine_tuning_epochs"] == ["1", "0"]
    assert "batch_size" not in rows
    assert rows["epochs done"] == ["2", "1", "-1"]
    assert int(rows["int8 bytes"][0]) == (folder / "runs/finished/int8.onnx").stat().st_size
    assert rows["int8 bytes"][1:] == ["–", ""]
    assert {"float accuracy", "int8 accuracy", "int8 recall Shirt"} <= set(rows)


def test_compare_of_a_run_with_itself_has_no_differences(folder: Path) -> None:
    run = runs.read(folder / "runs" / "finished")
    assert runs.config_differences(run, run) == []
    assert all(pair.first == pair.second for pair in runs.result_differences(run, run))


def test_best_epoch_is_the_last_with_the_best_validation(tmp_path: Path) -> None:
    save_config(tmp_path, SMALL)
    (tmp_path / HISTORY_FILE).write_text("epoch,validation_accuracy\n0,0.5\n1,0.9\n2,0.9\n3,0.8\n")
    assert runs.read(tmp_path).best_epoch["epoch"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["compare", "one", "two"], "there is no run one", id="compared"),
        pytest.param(["show", "curves", "--run", "runs/one"], "runs/one does not exist", id="shown"),
        pytest.param(["export", "--run", "runs/one"], "model_build train --run runs/one", id="exported"),
    ],
)
def test_missing_run_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, RunError)
    assert message in str(error)


def test_error_on_the_command_line_is_one_line(model_build: ModelBuild, tmp_path: Path) -> None:
    done = model_build("compare", "one", "two", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no run one")
    assert len(done.stderr.splitlines()) == 1


def test_empty_list_of_runs_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["runs"])
    assert done.exit_code == 0
    assert done.stdout == "runs/ holds no runs yet; start one: python -m model_build train\n"


def test_run_without_metrics_names_the_missing_stage(tmp_path: Path) -> None:
    save_config(tmp_path, SMALL)
    with pytest.raises(RunError, match=r"has no metrics\.json yet: python -m model_build evaluate"):
        require(tmp_path, METRICS_FILE, "evaluate")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        pytest.param(CONFIG_FILE, "{", id="half a configuration"),
        pytest.param(CONFIG_FILE, "[]", id="another kind of JSON"),
        pytest.param(METRICS_FILE, "", id="empty metrics"),
        pytest.param(HISTORY_FILE, "epoch,validation_accuracy\n0,much\n", id="a word for a number"),
        pytest.param(HISTORY_FILE, "epoch,validation_accuracy\n0\n", id="half a row"),
    ],
)
def test_damaged_file_is_named(file: str, content: str, tmp_path: Path) -> None:
    save_config(tmp_path, SMALL)
    (tmp_path / file).write_text(content)
    with pytest.raises(RunError, match=file):
        runs.read(tmp_path)


def test_damaged_run_does_not_hide_the_others(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "trained" / CONFIG_FILE).write_text("{")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["runs"])
    assert done.exit_code == 0
    assert "finished" in done.stdout
    assert "skipped: runs/trained/config.json is damaged" in done.stderr


def test_configuration_of_another_version_is_an_error(tmp_path: Path) -> None:
    save_config(tmp_path, SMALL)
    text = (tmp_path / CONFIG_FILE).read_text().replace('"seed"', '"seeds"')
    (tmp_path / CONFIG_FILE).write_text(text)
    with pytest.raises(RunError, match=r"is of another version of model_build.*seeds"):
        load_config(tmp_path)
    assert runs.read(tmp_path).config["seeds"] == 1
