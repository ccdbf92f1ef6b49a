"""`--help` of the stages shows each option's default, also where code chooses it."""

import pytest
from typer.testing import CliRunner

from model_build.__main__ import app

WIDE = {"COLUMNS": "300", "TERMINAL_WIDTH": "300"}


@pytest.mark.parametrize(
    ("command", "option", "default"),
    [
        ("all", "--run", "runs/DATASET"),
        ("all", "--start-from", "imagenet; grey or small: scratch"),
        ("all", "--side", "160; 96 from scratch"),
        ("all", "--max-kib", "4096; 512 from scratch"),
        ("train", "--epochs", "70; own classes: at most 12, or 80 from scratch"),
        ("publish", "--to", "handler/model for clothes, else RUN/model"),
        ("show", "--out", "PLOT.png, in the run's folder if it is of a run"),
    ],
)
def test_help_shows_the_default_of_an_option(command: str, option: str, default: str) -> None:
    printed = CliRunner().invoke(app, [command, "--help"], env=WIDE).stdout
    (line,) = (line for line in printed.splitlines() if option in line.split())
    assert f"[default: ({default})]" in line
