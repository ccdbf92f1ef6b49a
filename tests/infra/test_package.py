"""What ships is what requirements.in asks for, each file known by its hash, for the processors of the functions."""

import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from handler.inference.classifier import MODEL_PATH
from infra.packaging.bytecode import find_compiler
from infra.packaging.package import architecture_for, content_hash, files_in
from infra.packaging.package import main as build_package
from infra.packaging.pruning import UNUSED
from infra.packaging.sbom import FILE
from tests.support.machine import PROJECT

MACHINES: Final = {"x86_64": 62, "arm64": 183}  # e_machine of the ELF header, as the System V ABI numbers them


def test_the_lock_has_all_that_is_asked_for_and_a_hash_of_every_file() -> None:
    asked = set(re.findall(r"^[\w.-]+==[\w.]+", (PROJECT / "requirements.in").read_text(), re.MULTILINE))
    lock = (PROJECT / "requirements.txt").read_text().replace("\\\n", " ")
    locked = {line.split()[0]: line for line in lock.splitlines() if line and not line.startswith(("#", " "))}
    assert asked
    assert asked <= set(locked)
    assert all("--hash=sha256:" in line for line in locked.values())


def plan(folder: Path, architecture: str) -> Path:
    """Where SAM has a function built, and what it writes of it."""
    (folder / "build.toml").write_text(
        f'[function_build_definitions.one]\narchitecture = "{architecture}"\nfunctions = ["HttpFunction"]\n'
    )
    return folder / "build" / "HttpFunction"


def test_a_function_is_built_for_the_processors_that_sam_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "x86_64")
    assert architecture_for(plan(tmp_path, "arm64")) == "arm64"


def test_without_sam_the_environment_says_which_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "arm64")
    assert architecture_for(tmp_path / "package") == "arm64"
    monkeypatch.delenv("ARCHITECTURE")
    assert architecture_for(tmp_path / "package") == "x86_64"


def test_other_processors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "riscv64")
    with pytest.raises(SystemExit, match="should be one of x86_64, arm64, but is 'riscv64'"):
        architecture_for(tmp_path / "package")


@pytest.mark.parametrize("architecture", MACHINES)
def test_every_library_of_a_package_is_for_its_processors(architecture: str, tmp_path: Path) -> None:
    target = plan(tmp_path, architecture)
    build_package(target)
    libraries = [path for path in target.rglob("*") if re.search(r"\.so(\.|$)", path.name)]
    assert len(libraries) > 20
    for library in libraries:
        with library.open("rb") as file:
            header = file.read(20)
        assert header[:4] == b"\x7fELF"
        assert struct.unpack_from("<H", header, 18) == (MACHINES[architecture],), library


def test_the_bill_of_materials_names_all_that_is_in_the_package_with_its_licence(tmp_path: Path) -> None:
    build_package(tmp_path)
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    locked = re.findall(r"^([\w.-]+==[\w.]+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    libraries = {
        each["purl"].removeprefix("pkg:pypi/").replace("@", "=="): each for each in components if "purl" in each
    }
    assert set(libraries) == {each for each in locked if each.partition("==")[0] not in UNUSED}
    assert all(each["licenses"] for each in libraries.values())
    (model,) = [each for each in components if each["type"] == "machine-learning-model"]
    assert model["hashes"][0]["content"] == hashlib.sha256(MODEL_PATH.read_bytes()).hexdigest()
    data = {each["name"]: each["licenses"][0]["license"]["name"] for each in components if each["type"] == "data"}
    assert data == {"fashion-mnist": "MIT", "clothing-dataset-small": "CC0 1.0"}


def test_the_same_files_give_the_same_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = [tmp_path / name for name in ("first", "second")]
    for package in packages:
        monkeypatch.setattr("infra.packaging.package.CACHE", tmp_path / f"cache of {package.name}")
        build_package(package)
    first, second = packages
    assert content_hash(first) == content_hash(second)
    assert {path.stat().st_mtime for path in files_in(first)} == {path.stat().st_mtime for path in files_in(second)}


def test_a_package_is_small_and_has_bytecode_that_needs_no_source(tmp_path: Path) -> None:
    build_package(tmp_path)
    assert sum(path.stat().st_size for path in files_in(tmp_path)) < 101e6
    if find_compiler() is None:
        pytest.skip("there is neither Python 3.13 nor Docker to make bytecode with")
    compiled = list(tmp_path.rglob("*.pyc"))
    assert len(compiled) > 500
    for bytecode in compiled:
        flags = struct.unpack_from("<I", bytecode.read_bytes(), 4)
        assert flags == (0b01,), bytecode  # by the source's hash, unchecked, as PEP 552 has it
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.py")} == {"handler"}


def test_without_a_python_to_make_bytecode_the_build_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infra.packaging.package.CACHE", tmp_path / "cache")
    monkeypatch.setattr("infra.packaging.package.find_compiler", lambda: None)
    build_package(tmp_path / "package")
    assert "WARNING: neither Python 3.13 nor Docker" in capsys.readouterr().err
    assert not list((tmp_path / "package").rglob("*.pyc"))
    assert list((tmp_path / "package").rglob("fastapi/*.py"))
