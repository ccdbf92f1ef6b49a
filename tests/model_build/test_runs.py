"""Runs are listed and compared, and one that is missing or unfinished is told in a sentence."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_build.__main__ import app
from model_build.config import CONFIG_FILE, Config
from model_build.release.calibrate import calibrate
from model_build.release.evaluate import METRICS_FILE, evaluate
from model_build.release.export import export
from model_build.release.quantize import quantize
from model_build.reporting import runs
from model_build.reporting.runs import RunError
from model_build.training.train import HISTORY_FILE, train
from tests.model_build.test_stages import model_build
from tests.support.small_run import ONE_EPOCH

NAMES = ("finished", "trained")
SMALL = replace(ONE_EPOCH, epochs=2)


@pytest.fixture(scope="module")
def folder(datasets_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run was finished, and another was only trained."""
    assert datasets_dir.is_dir()
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        for stage in (train, calibrate, export, quantize, evaluate):
            stage(Path("runs/finished"), SMALL)
        train(Path("runs/trained"), replace(ONE_EPOCH, seed=2))
    return folder


def test_the_runs_are_listed_with_what_they_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lines = CliRunner().invoke(app, ["runs"]).stdout.splitlines()
    finished, trained = (next(line for line in lines if name in line) for name in NAMES)
    assert "2/2" in finished
    assert finished.count(" %") == 2
    assert "KiB" in finished
    assert "1/1" in trained
    assert trained.count(" %") == 1


def test_the_epochs_of_both_cycles_are_counted(tmp_path: Path) -> None:
    Config(epochs=3, finishing_epochs=4).save(tmp_path)
    assert epochs_listed(tmp_path) == "0/7"


@pytest.mark.parametrize("known_today", ['"seed"', '"fashion-mnist"'])
def test_the_epochs_of_a_run_with_settings_of_another_day_are_not_known(known_today: str, tmp_path: Path) -> None:
    SMALL.save(tmp_path)
    settings = tmp_path / CONFIG_FILE
    settings.write_text(settings.read_text().replace(known_today, '"other"'))
    assert epochs_listed(tmp_path) == "0/–"


def epochs_listed(folder: Path) -> object:
    (cell,) = runs.runs_table([runs.read(folder)]).columns[2].cells
    return cell


def test_comparing_shows_what_differs_in_configuration_and_in_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    lines = CliRunner().invoke(app, ["compare", *NAMES]).stdout.splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    rows = {row[0]: row[1:] for row in cells}
    assert rows["seed"] == ["1", "2"]
    assert rows["epochs"] == ["2", "1"]
    assert "batch_size" not in rows
    assert rows["epochs done"] == ["2", "1", "-1"]
    assert int(rows["int8 bytes"][0]) == (folder / "runs/finished/int8.onnx").stat().st_size
    assert rows["int8 bytes"][1:] == ["–", ""]
    assert {"float accuracy", "int8 accuracy", "int8 recall Shirt"} <= set(rows)


def test_a_run_compared_with_itself_differs_in_nothing(folder: Path) -> None:
    run = runs.read(folder / "runs" / "finished")
    assert runs.config_differences(run, run) == []
    assert all(pair.first == pair.second for pair in runs.result_differences(run, run))


def test_the_epoch_that_was_kept_is_the_last_of_those_that_validated_best(tmp_path: Path) -> None:
    SMALL.save(tmp_path)
    (tmp_path / HISTORY_FILE).write_text("epoch,validation_accuracy\n0,0.5\n1,0.9\n2,0.9\n3,0.8\n")
    assert runs.read(tmp_path).best_epoch["epoch"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["compare", "one", "two"], "there is no run one", id="compared"),
        pytest.param(["show", "curves", "--run", "runs/one"], "runs/one is not there", id="shown"),
        pytest.param(["export", "--run", "runs/one"], "model_build train --run runs/one", id="exported"),
    ],
)
def test_a_run_that_is_not_there_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, RunError)
    assert message in str(error)


def test_on_the_command_line_an_error_is_one_line(tmp_path: Path) -> None:
    done = model_build("compare", "one", "two", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no run one")
    assert len(done.stderr.splitlines()) == 1


def test_where_there_are_no_runs_the_list_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["runs"])
    assert done.exit_code == 0
    assert done.stdout == "runs/ holds no runs yet; start one: python -m model_build train\n"


def test_a_run_without_metrics_names_the_stage_that_is_missing(tmp_path: Path) -> None:
    SMALL.save(tmp_path)
    with pytest.raises(RunError, match=r"has no metrics\.json yet: python -m model_build evaluate"):
        runs.require(tmp_path, METRICS_FILE, "evaluate")


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
def test_a_damaged_file_is_named(file: str, content: str, tmp_path: Path) -> None:
    SMALL.save(tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(RunError, match=file):
        runs.read(tmp_path)


def test_a_damaged_run_does_not_hide_the_others(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "trained" / CONFIG_FILE).write_text("{")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["runs"])
    assert done.exit_code == 0
    assert "finished" in done.stdout
    assert "left out: runs/trained/config.json is damaged" in done.stderr


def test_a_configuration_of_another_version_is_told(tmp_path: Path) -> None:
    SMALL.save(tmp_path)
    text = (tmp_path / CONFIG_FILE).read_text().replace('"seed"', '"seeds"')
    (tmp_path / CONFIG_FILE).write_text(text)
    with pytest.raises(RunError, match=r"is not a configuration of today.*seeds"):
        runs.load_config(tmp_path)
    assert runs.read(tmp_path).config["seeds"] == 1
