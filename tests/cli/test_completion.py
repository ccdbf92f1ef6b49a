"""`completion`: scripts for shells, sourced by a real bash."""

import shutil
import subprocess
import sys

import pytest

from tests.support.command_line import ENVIRONMENT
from tests.support.machine import PROJECT

pytest.importorskip("shtab")


def script(shell: str) -> str:
    command = [sys.executable, "-m", "handler", "completion", shell]
    return subprocess.check_output(command, cwd=PROJECT, env=ENVIRONMENT, text=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_script_knows_the_options(shell: str) -> None:
    assert "top-k" in script(shell)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [(["cl"], "classify"), (["classify", "--thr"], "--threshold"), (["serve", "--wor"], "--workers")],
)
def test_bash_completes_commands_and_options(words: list[str], completed: str) -> None:
    typed = " ".join(["clothes-classifier", *words])
    asking = (
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; "
        "$(complete -p clothes-classifier | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo ${COMPREPLY[@]}"
    )
    ended = subprocess.run(["bash", "-c", script("bash") + asking], capture_output=True, text=True, check=False)
    assert completed in ended.stdout.split(), ended.stderr
