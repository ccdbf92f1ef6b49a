"""Benchmarks in Lambda's image: parts of a cold start, and quick runs that give every ratio of the targets."""

import json
import os
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bench import cold_starts, requests_in_process
from bench.environments import THIS, Checkout
from bench.in_container.one_start import IMPORTS
from bench.in_container.starts import measure_start
from bench.lambda_image import NoDocker
from bench.payloads import CLASS_ID, event, small_png
from bench.results import CannotMeasure, Section
from bench.targets import TARGETS
from handler.inference.classifier import MODEL_PATH
from tests.support.machine import PROJECT, missing

pytestmark = pytest.mark.slow

PARTS = ("interpreter", "imports", "session", "first image")
OTHER = Checkout("commit 0000000", PROJECT, THIS.python)  # the same code stands for an old commit


@pytest.fixture
def event_path(tmp_path: Path) -> Path:
    path = tmp_path / "http.json"
    path.write_text(json.dumps(event(small_png())))
    return path


@pytest.mark.parametrize("module", ["handler.http_entry", "bare", "fastapi_app"])
def test_start_reports_each_part_and_classifies_the_image(module: str, event_path: Path, tmp_path: Path) -> None:
    if module.startswith("handler"):
        search_path = PROJECT
    else:
        search_path = tmp_path
        shutil.copyfile(PROJECT / "bench" / "baselines" / f"{module}.py", tmp_path / f"{module}.py")
        shutil.copyfile(MODEL_PATH, tmp_path / "model.onnx")

    measured = measure_start(module, event_path, {**os.environ, "PYTHONPATH": str(search_path)})

    seconds, answer = measured["seconds"], json.loads(measured["response"])
    assert answer.get("predictions", [answer])[0]["class_id"] == CLASS_ID
    assert all(seconds[part] > 0 for part in PARTS)
    assert sum(seconds[part] for part in PARTS) < seconds["total"]


def test_bare_imports_have_one_part(event_path: Path) -> None:
    assert set(measure_start(IMPORTS, event_path, dict(os.environ))["seconds"]) == {"interpreter", "imports", "total"}


def test_failed_start_raises_system_exit(event_path: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="bare failed"):
        measure_start("bare", event_path, {**os.environ, "PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("name", ["http_entry", "s3_entry"])
def test_entry_pauses_garbage_collection_before_its_imports(name: str) -> None:
    source = (PROJECT / "handler" / f"{name}.py").read_text(encoding="utf-8")

    assert source.index("\ngc.disable()") < source.index("\nfrom handler")


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    """Quick measurements, beside a second checkout."""
    try:
        return [each.measure(quick=True, against=OTHER) for each in (cold_starts, requests_in_process)]
    except (NoDocker, CannotMeasure) as error:
        missing(str(error))


@pytest.mark.docker
def test_functions_in_lambda_image_agree(sections: list[Section]) -> None:
    parts, sizes, imports = sections[0].tables

    answers = {str(row[-1]).partition(",")[0] for row in parts.rows if row[0] != cold_starts.BARE_IMPORTS}
    assert answers == {f"class {CLASS_ID}"}
    assert [row[0] for row in sizes.rows] == ["this project", OTHER.name, cold_starts.BARE, cold_starts.FASTAPI]
    assert [
        value for value, limit in zip(sizes.rows[0][1:], (98, 36), strict=True) if not 20 < float(value or 0) < limit
    ] == []
    assert "onnxruntime" in [row[0] for row in imports.rows]


@pytest.mark.docker
def test_quick_runs_have_each_ratio_of_the_targets(sections: list[Section]) -> None:
    names = [figure.name for section in sections for figure in section.figures]
    of_servers = ("connections", "workers", " 8 *")
    wanted = [each.pattern for each in TARGETS if not any(word in each.pattern for word in of_servers)]

    assert len(wanted) == 9
    assert [pattern for pattern in wanted if not any(fnmatchcase(name, pattern) for name in names)] == []
