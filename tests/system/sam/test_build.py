"""The template passes `sam validate`, and `sam build` makes the same package for both functions."""

from pathlib import Path

import pytest

from tests.system.sam.commands import sam

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_template_passes_sam_validate() -> None:
    completed = sam("validate", "--lint")
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_both_functions_have_the_same_small_package(package: Path) -> None:
    http, worker = (_files(package / name) for name in ("HttpFunction", "WorkerFunction"))
    assert http == worker
    assert sum(http.values()) < 101e6  # Lambda's limit is 250 MB
    assert "handler/model/classifier.onnx" in http
    assert not [name for name in http if name.startswith(("torch", "model_build", "tests", "infra"))]


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
