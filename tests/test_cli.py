"""`python -m handler classify`, as a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.machine import PROJECT


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    (tmp_path / "good.png").write_bytes(png)
    (tmp_path / "外套 +%41.png").write_bytes(png)
    (tmp_path / "text.png").write_bytes(b"hello")
    (tmp_path / "short.png").write_bytes(png[:200])
    return tmp_path


def classify(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "handler", "classify", *arguments]
    environment = {"PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}
    ended = subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True, check=False)
    return subprocess.CompletedProcess(command, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def test_a_table_is_printed_with_a_line_for_each_file(folder: Path, client: TestClient, png: bytes) -> None:
    ended = classify("good.png", "外套 +%41.png", cwd=folder)
    best = client.post("/classify", content=png).json()
    answer = f"{best['label']:<11}  {best['score']:.3f}  {'yes' if best['known'] else 'no'}"
    assert ended.stdout.splitlines() == [
        "PATH           LABEL        SCORE  KNOWN",
        f"good.png       {answer}",
        f"外套 +%41.png  {answer}",
    ]
    assert (ended.returncode, ended.stderr) == (0, "")


def test_json_lines_hold_what_the_api_replies(folder: Path, client: TestClient, png: bytes) -> None:
    ended = classify("good.png", "--json", "--top-k", "3", cwd=folder)
    assert json.loads(ended.stdout) == {"path": "good.png", **client.post("/classify", content=png).json()}


def test_a_file_that_fails_does_not_stop_the_others(folder: Path) -> None:
    ended = classify("text.png", "missing.png", "short.png", ".", "good.png", "--json", cwd=folder)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert ["error" in row for row in rows] == [True, True, True, True, False]
    assert rows[1]["error"] == "No such file or directory"
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == [row["path"] for row in rows[:4]]


def test_a_failure_is_no_line_of_the_table(folder: Path) -> None:
    ended = classify("text.png", "good.png", cwd=folder)
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["PATH", "good.png"]
    assert ended.stderr.startswith("text.png: ")
    assert ended.returncode == 1


def test_top_k_prints_that_many_lines_a_file(folder: Path) -> None:
    assert len(classify("good.png", "--top-k", "4", cwd=folder).stdout.splitlines()) == 1 + 4


def test_a_dash_stands_for_standard_input(folder: Path, png: bytes) -> None:
    assert json.loads(classify("-", "--json", cwd=folder, stdin=png).stdout)["path"] == "-"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "the following arguments are required: PATH", id="no path"),
        pytest.param(["x.png", "--top-k", "0"], "argument --top-k: invalid choice: 0", id="top-k of 0"),
        pytest.param(["x.png", "--top-k", "a"], "argument --top-k: invalid int value: 'a'", id="top-k of letters"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = classify(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_help_names_the_arguments(tmp_path: Path) -> None:
    printed = classify("--help", cwd=tmp_path).stdout
    assert all(word in printed for word in ("PATH", "--json", "--top-k", "exit status"))


def test_the_end_of_the_reader_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m handler classify good.png good.png good.png | head -n 1"
    ended = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout.split(), ended.stderr) == (["PATH", "LABEL", "SCORE", "KNOWN"], "")
