"""Cold-start benchmark: results and parts of every contender, and notes on what is missing."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import cold_starts
from bench.baselines.contenders import CONTENDERS, HTTP, PYTORCH, Contender
from bench.baselines.packages import write_files
from bench.images import small_png
from bench.in_container.events import request
from bench.in_container.one_start import KINDS
from bench.in_container.starts import measure_start
from bench.lambda_image import IMAGE, NoDocker
from bench.sections import Section
from tests.support.machine import PROJECT, missing

pytestmark = pytest.mark.slow

PARTS = ("interpreter", "imports", "session", "first image")


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
    "contender", [HTTP, *(each for each in CONTENDERS if each.is_baseline)], ids=lambda each: each.kind
)
def test_start_reports_each_part_and_classifies_the_image(
    contender: Contender, event_path: str, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    if contender.is_baseline:
        write_files(contender, package)
    environment = {**os.environ, "PYTHONPATH": str(package if contender.is_baseline else PROJECT)}

    measured = measure_start(contender.kind, event_path, environment)

    seconds = measured["seconds"]
    assert (measured["label"], measured["score"]) == ("T-shirt/top", pytest.approx(0.99, abs=0.02))
    assert all(seconds[part] > 0 for part in PARTS)
    assert sum(seconds[part] for part in PARTS) < seconds["total"]


def test_failed_start_raises_system_exit(event_path: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="bare failed"):
        measure_start("bare", event_path, {**os.environ, "PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.pauses_collection])
def test_entry_pauses_garbage_collection_before_its_imports(kind: str) -> None:
    source = (PROJECT / KINDS[kind].module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")

    assert source.index("\ngc.disable()") < source.index("\nfrom handler")


@pytest.mark.docker
def test_contenders_in_lambda_image_agree_and_report_each_part(section: Section) -> None:
    parts, needs = section.tables

    measured = [each.name for each in CONTENDERS if each is not PYTORCH for _ in range(2)]
    assert [row[0] for row in parts.rows if None not in row] == measured
    assert [row[0] for row in needs.rows if None not in row] == measured
    assert {row[-2] for row in needs.rows if row[-1] is not None} == {"T-shirt/top"}
    scores = [row[-1] for row in needs.rows if isinstance(row[-1], float)]
    assert scores == pytest.approx([scores[0]] * len(measured), abs=0.02)
    assert [len(points) for plot in section.plots for points in plot.series.values()] == [4] * 6


@pytest.mark.docker
def test_bytecode_makes_baselines_larger(section: Section) -> None:
    unpacked = {(row[0], row[1]): row[2] for row in section.tables[1].rows}

    for name in ("bare handler", "FastAPI, float ONNX"):
        with_bytecode, without = unpacked[name, "yes"], unpacked[name, "no"]
        assert isinstance(with_bytecode, float)
        assert isinstance(without, float)
        assert with_bytecode > without


@pytest.mark.docker
def test_skipped_contender_has_a_note(section: Section) -> None:
    assert [row[0] for row in section.tables[0].rows if None in row] == [PYTORCH.name] * 2
    assert [note for note in section.notes if note.startswith(PYTORCH.name)]


def test_missing_docker_raises_no_docker_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoDocker, match="install Docker"):
        cold_starts.measure(quick=True)
