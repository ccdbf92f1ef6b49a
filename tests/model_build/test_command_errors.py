"""Errors of `python -m model_build` are one sentence: full disks, folders that cannot be, terminals, damaged files."""

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from handler.errors import InvalidModel
from model_build.__main__ import app
from model_build.checks import WrongFolder
from model_build.own_classes.build import STAGES, Build
from model_build.own_classes.commands import Choices, check_table, class_table, recipe_of
from model_build.own_classes.data import checked, load_examples
from model_build.own_classes.recipe import Recipe, from_scratch
from model_build.report_commands import table_console
from model_build.run_files import RESUME_FILE, RunError
from tests.support.drawn_classes import draw_classes
from tests.support.locks import holding
from tests.support.machine import PROJECT

_SMALL_FILES: Final = 100_000  # bytes


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL_FILES, _SMALL_FILES))


def _recipe(shop: Path) -> Recipe:
    return replace(from_scratch(str(shop)), side=32, max_kib=64, epochs=1, batch_size=16)


@pytest.mark.slow  # two processes load PyTorch
def test_disk_that_takes_no_more_is_one_sentence_in_the_letters_that_the_terminal_has(shop: Path) -> None:
    command = [sys.executable, "-m", "model_build", "check", "my-shop"]
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "ascii"}

    def run(limit: bool) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=shop.parent,
            env=variables,
            preexec_fn=_limit_files if limit else None,
            capture_output=True,
            text=True,
            check=False,
        )

    full, good = run(limit=True), run(limit=False)
    assert (full.returncode, full.stdout) == (1, "")
    assert full.stderr.startswith("error: data/folders/my-shop-")
    assert full.stderr.endswith("/served.npy: File too large\n")
    assert good.returncode == 0
    assert r"gro\xdfe Kreuze" in good.stdout


@pytest.mark.parametrize("name", ["shop[old]", "shop[/b]", ":shoe:"])
def test_names_are_printed_as_they_are(name: str, tmp_path: Path) -> None:
    shop = draw_classes(tmp_path / name)
    (shop / "disk").rename(shop / "[red]:hat:")
    found = checked(_recipe(shop), tmp_path / "data")
    console = table_console()
    with console.capture() as capture:
        console.print(class_table(found), check_table(found, found.findings))
    assert f"{name}: 48 images" in capture.get()
    assert "[red]:hat:" in capture.get()


@pytest.mark.parametrize("option", ["--run", "--to"])
def test_folder_that_is_a_file_is_refused_before_training(
    option: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    Path("file").touch()
    result = CliRunner().invoke(app, ["all", "--dataset", "my-shop", option, "file/below"])
    assert isinstance(result.exception, RunError)
    assert str(result.exception).endswith("/file is a file")
    assert not Path("runs").exists()


def test_run_is_trained_by_one_process_at_a_time(shop: Path, tmp_path: Path) -> None:
    build = Build(tmp_path / "run", _recipe(shop), load_examples(_recipe(shop), tmp_path / "data"))
    build.run_dir.mkdir()
    with holding(build.run_dir / "train.lock"), pytest.raises(RunError, match="another process trains the run"):
        build.train()


def test_damaged_state_of_a_run_is_named(shop: Path, tmp_path: Path) -> None:
    build = Build(tmp_path / "run", _recipe(shop), load_examples(_recipe(shop), tmp_path / "data"))
    build.train()
    state = build.run_dir / RESUME_FILE
    for content in (b"", b"garbage", state.read_bytes()[:1000]):
        state.write_bytes(content)
        with pytest.raises(RunError, match=r"resume\.pt is damaged"):
            build.train()


@pytest.mark.slow  # each trains and quantizes a small network
@pytest.mark.parametrize(
    ("file", "stage"), [("int8.onnx", "evaluate"), ("centres.npy", "export"), ("best.pt", "calibrate")]
)
def test_damaged_file_of_a_run_is_one_sentence(file: str, stage: str, shop: Path, tmp_path: Path) -> None:
    build = Build(tmp_path / "run", _recipe(shop), load_examples(_recipe(shop), tmp_path / "data"))
    build.train()
    for name in ("calibrate", "export", "quantize"):
        STAGES[name](build)
    path = build.run_dir / file
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises((InvalidModel, RunError), match=f"{file} is (damaged|not an ONNX file)"):
        STAGES[stage](build)


@pytest.mark.parametrize(
    ("choices", "problem"),
    [(Choices(side=96), "leave out --side"), (Choices(grey=True), "leave out --grey"), (Choices(), "has no best.pt")],
    ids=["side", "grey", "weights"],
)
def test_option_that_does_not_fit_the_run_to_start_from_is_refused(
    choices: Choices, problem: str, shop: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    Build(run, _recipe(shop), load_examples(_recipe(shop), tmp_path / "data")).train()
    if choices == Choices():
        (run / "best.pt").unlink()
    with pytest.raises(RunError, match=problem):
        recipe_of(str(shop), replace(choices, start_from=str(run)))


@pytest.mark.parametrize("seed", ["-1", str(2**63)])
def test_seed_that_no_generator_takes_is_refused(seed: str) -> None:
    assert CliRunner().invoke(app, ["train", "--dataset", ".", "--seed", seed]).exit_code == 2


@pytest.mark.parametrize(("folder", "start_from"), [("", None), (".", "")], ids=["dataset", "run"])
def test_empty_name_is_not_the_current_folder(folder: str, start_from: str | None) -> None:
    with pytest.raises(WrongFolder, match="is empty"):
        recipe_of(folder, Choices(start_from))
