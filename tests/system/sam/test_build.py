"""The template is valid for the real SAM, and its build is what both functions are made of."""

from pathlib import Path

from tests.system.sam.commands import sam


def test_the_template_is_valid() -> None:
    checked = sam("validate", "--lint")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_is_the_same_for_both_functions_and_fits_lambda(package: Path) -> None:
    http, worker = (_files(package / name) for name in ("HttpFunction", "WorkerFunction"))
    assert http == worker
    assert sum(http.values()) < 101e6  # Lambda takes 250 MB
    assert "handler/model/classifier.onnx" in http
    assert not [name for name in http if name.startswith(("torch", "model_build", "tests", "infra"))]


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
