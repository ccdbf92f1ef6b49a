"""`python -m handler classify`, run as a separate process."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from handler import __version__
from tests.support.command_line import ENVIRONMENT, classify
from tests.support.images import encoded, trousers


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    (tmp_path / "good.png").write_bytes(png)
    (tmp_path / "外套 +%41.png").write_bytes(png)
    (tmp_path / "text.png").write_bytes(b"hello")
    (tmp_path / "short.png").write_bytes(png[:200])
    return tmp_path


def test_table_has_a_line_for_each_file(folder: Path, client: TestClient, png: bytes) -> None:
    ended = classify("good.png", "外套 +%41.png", cwd=folder)
    best = client.post("/classify", content=png).json()
    confident = "yes" if best["confident"] else "no"
    expected = f"{best['label']:<11}  {best['score']:.3f}  yes    {confident}"
    assert ended.stdout.splitlines() == [
        "PATH           LABEL        SCORE  KNOWN  CONFIDENT",
        f"good.png       {expected}",
        f"外套 +%41.png  {expected}",
    ]
    assert ended.returncode == 0


def test_one_file_prints_no_summary(folder: Path) -> None:
    assert classify("good.png", cwd=folder).stderr == ""


def test_several_files_print_a_summary(folder: Path) -> None:
    Image.new("RGB", (64, 64)).save(folder / "black.png")
    summary = classify("good.png", "black.png", "text.png", cwd=folder).stderr.splitlines()[-1]
    assert re.fullmatch(r"2 classified \(1 of them unknown\), 1 failed, in [\d.]+ s: [\d.]+ images per second", summary)


def test_skipped_files_are_counted_by_suffix(folder: Path) -> None:
    (folder / "photos").mkdir()
    for name in ("a.pdf", "b.PDF", "c.mov", "README", "d.png"):
        (folder / "photos" / name).write_bytes((folder / "good.png").read_bytes())
    ended = classify("photos", cwd=folder)
    assert "0 failed, 4 skipped (2 .pdf, 1 " in ended.stderr
    assert classify("photos", "--quiet", cwd=folder).stderr == ""


def test_empty_file_is_called_empty(folder: Path) -> None:
    (folder / "empty.png").touch()
    ended = classify("empty.png", "-", cwd=folder)
    assert ended.stderr.splitlines()[:2] == ["empty.png: the file is empty", "-: standard input is empty"]


def test_unknown_image_has_no_label_in_the_table(folder: Path) -> None:
    ended = classify("good.png", "--top-k", "3", cwd=folder, variables={"KNOWN_THRESHOLD": "1"})
    assert [line.split() for line in ended.stdout.splitlines()[1:]] == [["good.png", "-", "-", "no", "no"]]


def test_csv_has_a_row_for_each_class_and_each_error(folder: Path, client: TestClient, png: bytes) -> None:
    (folder / 'a "b", c.png').write_bytes(png)
    ended = classify('a "b", c.png', "text.png", "--csv", "--top-k", "2", cwd=folder)
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    answer = client.post("/classify?top_k=2", content=png).json()
    assert [(row["path"], row["rank"]) for row in rows] == [
        ('a "b", c.png', "1"),
        ('a "b", c.png', "2"),
        ("text.png", ""),
    ]
    assert [(row["label"], float(row["score"])) for row in rows[:2]] == [
        (guess["label"], guess["score"]) for guess in answer["predictions"]
    ]
    assert rows[0]["confident"] == json.dumps(answer["confident"])
    assert rows[2]["error"].startswith("unknown image format")


@pytest.mark.parametrize(("threshold", "confident"), [("0", True), ("1", False)])
def test_threshold_decides_what_is_confident(folder: Path, threshold: str, confident: bool) -> None:
    (line,) = classify("good.png", "--json", "--threshold", threshold, cwd=folder).stdout.splitlines()
    assert json.loads(line)["confident"] is confident


def test_json_line_has_the_fields_of_the_api_response(folder: Path, client: TestClient, png: bytes) -> None:
    ended = classify("good.png", "--json", "--top-k", "3", cwd=folder)
    assert json.loads(ended.stdout) == {"path": "good.png", **client.post("/classify", content=png).json()}


def test_failed_file_does_not_stop_the_others(folder: Path) -> None:
    ended = classify("text.png", "missing.png", "short.png", "good.png", "--json", cwd=folder)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert ["error" in row for row in rows] == [True, True, True, False]
    assert rows[1]["error"] == "No such file or directory"
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()[:-1]] == [row["path"] for row in rows[:3]]


def test_failed_file_has_no_line_in_the_table(folder: Path) -> None:
    ended = classify("text.png", "good.png", cwd=folder)
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["PATH", "good.png"]
    assert ended.stderr.startswith("text.png: ")
    assert ended.returncode == 1


def test_top_k_prints_that_many_lines_per_file(folder: Path) -> None:
    assert len(classify("good.png", "--top-k", "4", cwd=folder).stdout.splitlines()) == 1 + 4


def test_dash_reads_standard_input(folder: Path, png: bytes) -> None:
    assert json.loads(classify("-", "--json", cwd=folder, stdin=png).stdout)["path"] == "-"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "the following arguments are required: PATH", id="no path"),
        pytest.param(["x.png", "--top-k", "0"], "argument --top-k: '0' is not a whole number from 1", id="top-k of 0"),
        pytest.param(
            ["x.png", "--jobs", "0"], "argument --jobs: '0' is not a whole number from 1 to 256", id="no jobs"
        ),
        pytest.param(["x.png", "--jobs", "³"], "argument --jobs: '³' is not a whole number", id="jobs in superscript"),
        pytest.param(["x.png", "--threshold", "nan"], "'nan' is not a number from 0 to 1", id="threshold"),
        pytest.param(["x.png", "--csv", "--json"], "not allowed with argument", id="two formats"),
        pytest.param(
            ["x.png", "--top-k", "a"], "argument --top-k: 'a' is not a whole number from 1", id="top-k of letters"
        ),
    ],
)
def test_wrong_argument_exits_2_with_a_message(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = classify(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_help_lists_the_arguments(tmp_path: Path) -> None:
    printed = classify("--help", cwd=tmp_path).stdout
    assert all(
        word in printed
        for word in ("PATH", "--json", "--top-k", "--endpoint", "--jobs", "CLASSIFIER_API_KEY", "exit status")
    )


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "handler", "--version"]
    printed = subprocess.check_output(command, cwd=tmp_path, env=ENVIRONMENT, text=True)
    assert printed == f"clothes-classifier {__version__}\n"


def in_shell(arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m handler` with `arguments`, which may redirect its output."""
    return subprocess.run(
        f"{sys.executable} -m handler {arguments}",
        shell=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )


def test_closed_pipe_is_no_error(folder: Path) -> None:
    # Enough files that the reader has closed the pipe before the last one.
    ended = in_shell(f"classify {'good.png ' * 200} | head -n 1", folder)
    assert (ended.stdout.split(), ended.stderr) == (["PATH", "LABEL", "SCORE", "KNOWN", "CONFIDENT"], "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("arguments", ["classify good.png good.png", "completion bash"])
def test_full_disk_gets_one_sentence(folder: Path, arguments: str) -> None:
    ended = in_shell(f"{arguments} > /dev/full", folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "the output cannot be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_full_disk_below_the_messages_loses_no_result(folder: Path) -> None:
    ended = in_shell("classify text.png good.png text.png good.png --json 2> /dev/full", folder)
    assert ended.returncode == 1  # of four files, two failed
    assert [json.loads(line)["path"] for line in ended.stdout.splitlines()] == ["text.png", "good.png"] * 2
    assert in_shell("classify good.png --model nowhere 2> /dev/full", folder).returncode == 2


@pytest.mark.parametrize(("closed", "printed"), [("1", (0, 1)), ("2", (2, 0))], ids=["stdout", "stderr"])
def test_closed_output_does_not_matter(folder: Path, closed: str, printed: tuple[int, int]) -> None:
    ended = in_shell(f"classify good.png text.png --quiet {closed}>&-", folder)
    assert (len(ended.stdout.splitlines()), len(ended.stderr.splitlines())) == printed
    assert ended.returncode == 1  # of two files, one failed


@pytest.mark.parametrize("jobs", ["1", "7"])
def test_lines_keep_the_order_of_the_files_for_any_number_of_jobs(folder: Path, jobs: str) -> None:
    for side in (2000, 100, 1000, 50, 1500):  # they take different times
        (folder / f"{side}.bmp").write_bytes(encoded(trousers(side), "BMP"))
    paths = ["2000.bmp", "50.bmp", "text.png", "1000.bmp", "missing.png", "100.bmp", "1500.bmp", "good.png"] * 5
    ended = classify(*paths, "--json", "--jobs", jobs, cwd=folder)
    assert [json.loads(line)["path"] for line in ended.stdout.splitlines()] == paths


def test_control_characters_in_a_file_name_are_escaped(folder: Path, png: bytes) -> None:
    (folder / "two\nlines\x1b[31m.png").write_bytes(png)
    (folder / "bad\nname.png").write_bytes(b"hello")
    ended = classify("two\nlines\x1b[31m.png", "bad\nname.png", cwd=folder)
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["PATH", r"two\nlines\x1b[31m.png"]
    assert ended.stderr.startswith(r"bad\nname.png: unknown image format")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param({"MAX_PIXELS": "100"}, "the image has 280 x 280 pixels, more than the 100 allowed", id="pixels"),
        pytest.param({"MAX_BODY_BYTES": "100"}, "the file is larger than 100 bytes", id="bytes"),
    ],
)
def test_limits_are_read_from_the_environment(folder: Path, variables: dict[str, str], message: str) -> None:
    ended = classify("good.png", cwd=folder, variables=variables)
    assert ended.stderr.startswith(f"good.png: {message}")
    assert ended.returncode == 1


def test_too_large_file_is_not_read(folder: Path) -> None:
    with (folder / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)  # bytes; a sparse file takes no room on the disk
    ended = classify("sparse.png", "/dev/zero", cwd=folder)
    assert ended.stderr.count("the file is larger than 20,000,000 bytes, the maximum here") == 2


def test_known_threshold_is_read_from_the_environment(folder: Path) -> None:
    assert (
        json.loads(classify("good.png", "--json", cwd=folder, variables={"KNOWN_THRESHOLD": "1"}).stdout)["known"]
        is False
    )
