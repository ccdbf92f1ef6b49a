"""Cold starts by part: every contender answers, the parts are parts of the whole, and what is missing is said."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import cold_starts
from bench.baselines.contenders import CONTENDERS, HTTP, PYTORCH, Contender
from bench.baselines.packages import write_files
from bench.in_container.events import request
from bench.in_container.one_start import KINDS
from bench.in_container.starts import start
from bench.lambda_image import IMAGE, NoDocker
from bench.pictures import small_png
from bench.sections import Section
from tests.support.machine import PROJECT, missing

PARTS = ("interpreter", "imports", "session", "first picture")


@pytest.fixture(scope="module")
def section() -> Section:
    """A quick measurement, in Lambda's image."""
    here = shutil.which("docker") and subprocess.run(
        ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
    )
    if not here or here.returncode:
        missing(f"Docker with the image {IMAGE} is not on this machine")
    return cold_starts.measure(quick=True)


@pytest.fixture
def event_path(tmp_path: Path) -> str:
    path = tmp_path / "http.json"
    path.write_text(json.dumps(request(small_png())))
    return str(path)


@pytest.mark.parametrize(
    "contender", [HTTP, *(each for each in CONTENDERS if each.is_rival)], ids=lambda each: each.kind
)
def test_start_is_told_part_by_part_and_answers_the_picture(
    contender: Contender, event_path: str, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    if contender.is_rival:
        write_files(contender, package)
    environment = {**os.environ, "PYTHONPATH": str(package if contender.is_rival else PROJECT)}

    found = start(contender.kind, event_path, environment)

    seconds = found["seconds"]
    assert (found["label"], found["score"]) == ("T-shirt/top", pytest.approx(0.99, abs=0.02))
    assert all(seconds[part] > 0 for part in PARTS)
    assert sum(seconds[part] for part in PARTS) < seconds["total"]


def test_start_that_fails_is_no_measurement(event_path: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="bare failed"):
        start("bare", event_path, {**os.environ, "PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.pauses_collection])
def test_collection_is_paused_in_the_measurement_because_the_entry_does_so_before_its_imports(kind: str) -> None:
    source = (PROJECT / KINDS[kind].module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")

    assert source.index("\ngc.disable()") < source.index("\nfrom handler")


def test_every_contender_in_lambdas_image_answers_the_same_and_tells_each_part(section: Section) -> None:
    parts, needs = section.tables

    measured = [each.name for each in CONTENDERS if each is not PYTORCH for _ in range(2)]
    assert [row[0] for row in parts.rows if None not in row] == measured
    assert [row[0] for row in needs.rows if None not in row] == measured
    assert {row[-2] for row in needs.rows if row[-1] is not None} == {"T-shirt/top"}
    scores = [row[-1] for row in needs.rows if isinstance(row[-1], float)]
    assert scores == pytest.approx([scores[0]] * len(measured), abs=0.02)
    assert [len(points) for plot in section.plots for points in plot.series.values()] == [4] * 6


def test_bytecode_makes_rivals_larger(section: Section) -> None:
    unpacked = {(row[0], row[1]): row[2] for row in section.tables[1].rows}

    for name in ("bare handler", "FastAPI, float ONNX"):
        with_bytecode, without = unpacked[name, "yes"], unpacked[name, "no"]
        assert isinstance(with_bytecode, float)
        assert isinstance(without, float)
        assert with_bytecode > without


def test_what_was_not_measured_is_said_in_a_note(section: Section) -> None:
    assert [row[0] for row in section.tables[0].rows if None in row] == [PYTORCH.name] * 2
    assert [note for note in section.notes if note.startswith(PYTORCH.name)]


def test_without_docker_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoDocker, match="install Docker"):
        cold_starts.measure(quick=True)
