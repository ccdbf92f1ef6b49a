"""The package has the locked requirements, for the right architecture, and is reproducible."""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
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

MACHINES: Final = {"x86_64": 62, "arm64": 183}  # e_machine of the ELF header (System V ABI)


def test_lock_has_all_requirements_with_hashes() -> None:
    required = set(re.findall(r"^[\w.-]+==[\w.]+", (PROJECT / "requirements.in").read_text(), re.MULTILINE))
    lock = (PROJECT / "requirements.txt").read_text().replace("\\\n", " ")
    locked = {line.split()[0]: line for line in lock.splitlines() if line and not line.startswith(("#", " "))}
    assert required
    assert required <= set(locked)
    assert all("--hash=sha256:" in line for line in locked.values())


def test_help_builds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.packaging.package", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("usage: python -m infra.packaging.package")
    assert not any(tmp_path.iterdir())


def sam_build_folder(folder: Path, architecture: str) -> Path:
    """The target folder of a SAM build, with its build.toml."""
    (folder / "build.toml").write_text(
        f'[function_build_definitions.one]\narchitecture = "{architecture}"\nfunctions = ["HttpFunction"]\n'
    )
    return folder / "build" / "HttpFunction"


def test_architecture_is_that_of_the_sam_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "x86_64")
    assert architecture_for(sam_build_folder(tmp_path, "arm64")) == "arm64"


def test_architecture_without_sam_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "arm64")
    assert architecture_for(tmp_path / "package") == "arm64"
    monkeypatch.delenv("ARCHITECTURE")
    assert architecture_for(tmp_path / "package") == "x86_64"


def test_unsupported_architecture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECTURE", "riscv64")
    with pytest.raises(SystemExit, match="must be one of x86_64, arm64, got 'riscv64'"):
        architecture_for(tmp_path / "package")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", MACHINES)
def test_all_shared_libraries_are_for_the_architecture(architecture: str, tmp_path: Path) -> None:
    target = sam_build_folder(tmp_path, architecture)
    build_package(target)
    libraries = [path for path in target.rglob("*") if re.search(r"\.so(\.|$)", path.name)]
    assert len(libraries) > 20
    for library in libraries:
        with library.open("rb") as file:
            header = file.read(20)
        assert header[:4] == b"\x7fELF"
        assert struct.unpack_from("<H", header, 18) == (MACHINES[architecture],), library


@pytest.mark.slow
def test_sbom_lists_the_whole_package_with_licences(tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_package_builds_are_reproducible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    build_package(first)  # or from the cache, which an earlier build has filled
    monkeypatch.setattr("infra.packaging.package.CACHE", tmp_path / "empty cache")
    build_package(second)
    assert content_hash(first) == content_hash(second)
    assert {path.stat().st_mtime for path in files_in(first)} == {path.stat().st_mtime for path in files_in(second)}


@pytest.mark.slow
def test_package_is_small_and_has_unchecked_bytecode(tmp_path: Path) -> None:
    build_package(tmp_path)
    assert sum(path.stat().st_size for path in files_in(tmp_path)) < 101e6
    if find_compiler() is None:
        pytest.skip("needs Python 3.13 or Docker")
    compiled = list(tmp_path.rglob("*.pyc"))
    assert len(compiled) > 500
    for bytecode in compiled:
        flags = struct.unpack_from("<I", bytecode.read_bytes(), 4)
        assert flags == (0b01,), bytecode  # hash-based and unchecked (PEP 552)
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.py")} == {"handler"}


@pytest.mark.slow
def test_build_without_python_313_warns_about_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infra.packaging.package.CACHE", tmp_path / "cache")
    monkeypatch.setattr("infra.packaging.package.find_compiler", lambda: None)
    build_package(tmp_path / "package")
    assert "WARNING: neither Python 3.13 nor Docker" in capsys.readouterr().err
    assert not list((tmp_path / "package").rglob("*.pyc"))
    assert list((tmp_path / "package").rglob("fastapi/*.py"))
