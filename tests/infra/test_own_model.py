"""Another model takes the place of handler/model in the package, and its version that of the template."""

import json
from pathlib import Path

import pytest

from handler.inference.card import CARD_PATH, MODEL_FOLDER
from infra.packaging.package import PROJECT, copy_handler, model_of
from infra.packaging.sbom import FILE, write_sbom
from infra.packaging.template_version import main as write_version
from tests.support.template import TEMPLATE


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a model of its own: the shipped card with another version, and data without a licence."""
    model = tmp_path / "my-shop" / "model"
    model.mkdir(parents=True)
    card = json.loads(CARD_PATH.read_text(encoding="utf-8"))
    card |= {"version": "sha256-0123456789ab", "dataset": {"name": "my-shop"}}
    (model / CARD_PATH.name).write_text(json.dumps(card), encoding="utf-8")
    (model / "classifier.onnx").write_bytes(b"onnx")
    (model / "notes.txt").write_text("not a part of the model", encoding="utf-8")
    return model.parent


def test_package_has_the_files_of_this_model_only(run: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    copy_handler(package, model_of(str(run)))
    shipped = package / MODEL_FOLDER.relative_to(PROJECT)
    assert {path.name for path in shipped.iterdir()} == {"classifier.json", "classifier.onnx"}
    assert (shipped / "classifier.onnx").read_bytes() == b"onnx"
    assert (package / "handler" / "http_entry.py").exists()
    write_sbom(package)
    (data,) = [each for each in json.loads((package / FILE).read_text())["components"] if each["type"] == "data"]
    assert data == {"type": "data", "bom-ref": "dataset-my-shop", "name": "my-shop"}


def test_default_package_has_the_model_of_the_project(tmp_path: Path) -> None:
    copy_handler(tmp_path / "package", model_of(""))
    shipped = tmp_path / "package" / MODEL_FOLDER.relative_to(PROJECT)
    assert {path.name for path in shipped.iterdir()} == {path.name for path in MODEL_FOLDER.iterdir()}


def test_folder_without_a_model_ends_the_build_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is no model in .*: classifier\.json is missing"):
        model_of(str(tmp_path))


def test_alarms_of_the_built_template_watch_this_model(run: Path, tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"
    version = TEMPLATE["Mappings"]["ModelCard"]["Version"]["Value"]
    built.write_text(f"Mappings:\n  ModelCard:\n    Version:\n      Value: {version}\n  Other: 1\n", encoding="utf-8")
    write_version(built, str(run))
    assert "      Value: sha256-0123456789ab\n  Other: 1\n" in built.read_text(encoding="utf-8")


def test_template_without_one_version_is_refused(run: Path, tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"
    built.write_text("Mappings: {}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="one version"):
        write_version(built, str(run))
