"""The wheel, its declared dependencies, and the environments that the Makefile creates."""

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from handler import __version__
from tests.conftest import serving
from tests.support.command_line import classify
from tests.support.machine import PROJECT

PROJECT_TABLE: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = PROJECT_TABLE["project"]
PINNED = PROJECT_TABLE["dependency-groups"]
EXTRAS = DECLARED["optional-dependencies"]
SHIPPED = [line.partition("#")[0] for line in (PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()]
SAMPLE = PROJECT / "handler" / "static" / "samples" / "t-shirt.jpg"


def by_name(requirements: list[Any]) -> dict[str, Requirement]:
    """The requirements of a list that may include other groups and empty lines."""
    parsed = [Requirement(each) for each in requirements if isinstance(each, str) and each.strip()]
    return {requirement.name: requirement for requirement in parsed}


def test_dependencies_are_those_of_requirements_in() -> None:
    assert by_name(DECLARED["dependencies"]).keys() == by_name(SHIPPED).keys()


def test_extra_train_is_the_group_train() -> None:
    assert by_name(EXTRAS["train"]).keys() == by_name(PINNED["train"]).keys()


@pytest.mark.parametrize(
    ("declared", "pinned"),
    [
        pytest.param(DECLARED["dependencies"], SHIPPED, id="requirements.in"),
        pytest.param(EXTRAS["serve"], PINNED["serve"], id="serve"),
        pytest.param(EXTRAS["train"], PINNED["train"], id="train"),
    ],
)
def test_pinned_version_satisfies_the_declared_range(declared: list[str], pinned: list[Any]) -> None:
    pins = by_name(pinned)
    for name, requirement in by_name(declared).items():
        (pin,) = pins[name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{requirement} excludes {pin.version}"


@dataclass(frozen=True)
class Installation:
    """The wheel, installed into an environment of its own."""

    wheel: Path
    binaries: Path

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the installed command with an empty environment."""
        command = [str(self.binaries / "clothes-classifier"), *arguments]
        return subprocess.run(
            command, cwd=cwd, env={"PYTHONUTF8": "1"}, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--wheel", f"--out-dir={folder}", str(PROJECT))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The versions are those of requirements.in, so that the scores are the same to the last digit."""
    folder = tmp_path_factory.mktemp("installation")
    _uv("venv", f"--python={sys.executable}", "--clear", str(folder))
    _uv("pip", "install", f"--python={folder}", f"--constraint={PROJECT / 'requirements.in'}", str(wheel))
    return Installation(wheel, folder / "bin")


def _uv(*arguments: str) -> None:
    """Much faster than pip, with the same result."""
    subprocess.run([Path(sys.executable).parent / "uv", "--quiet", *arguments], check=True)


@pytest.mark.slow
def test_wheel_contains_the_handler_and_nothing_else(wheel: Path) -> None:
    shipped = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "handler").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped
    assert {"handler/model/classifier.onnx", "handler/static/index.html"} <= names


@pytest.mark.slow
def test_metadata_is_complete(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("clothes-classifier", __version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Provides-Extra") == ["serve", "train"]
    assert metadata["Summary"]
    assert metadata.get_all("Classifier")
    assert metadata.get_payload().startswith("# ")  # type: ignore[union-attr]  # the README


@pytest.mark.slow
def test_installed_command_prints_its_version(installation: Installation, tmp_path: Path) -> None:
    assert installation.run("--version", cwd=tmp_path).stdout == f"clothes-classifier {__version__}\n"


@pytest.mark.slow
def test_installed_command_classifies_as_the_module_does(installation: Installation, tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    ended = installation.run("classify", "--json", "--top-k", "10", "photo.jpg", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == classify("--json", "--top-k", "10", "photo.jpg", cwd=tmp_path).stdout


@pytest.mark.slow
def test_installed_command_serves_with_the_extra(installation: Installation, tmp_path: Path) -> None:
    without = installation.run("serve", cwd=tmp_path)
    assert (without.returncode, without.stderr) == (
        2,
        "`serve` needs httptools, which is not installed: pip install uvicorn httptools\n",
    )
    _uv("pip", "install", f"--python={installation.binaries.parent}", f"{installation.wheel}[serve]")
    command = [str(installation.binaries / "clothes-classifier"), "serve"]
    with serving(tmp_path / "log.txt", command=command, cwd=tmp_path):
        """It becomes healthy."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the environments are made from."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("target", ["run", "test", "test-fast", "sam"])
def test_old_python_is_refused_before_anything_is_installed(clone: Path, target: str) -> None:
    python = executable(clone / "python3.10", "exit 1")  # as `sys.exit(sys.version_info < (3, 11))` does
    ended = make(clone, target, f"PYTHON={python}")
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[0] == (
        f"Python 3.11 or later is required, but '{python}' is older or missing;"
        f" name another: make {target} PYTHON=python3.12"
    )
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("script", "is_made_anew"),
    [
        pytest.param(f'exec {sys.executable} "$@"', False, id="usable"),
        pytest.param("echo", True, id="too old"),
        pytest.param("exit 1", True, id="without pip"),
        pytest.param(None, True, id="interpreter missing"),
    ],
)
def test_unusable_environment_is_made_anew(clone: Path, script: str | None, is_made_anew: bool) -> None:
    if script is None:
        (clone / ".venv" / "bin").mkdir(parents=True)
        (clone / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    else:
        executable(clone / ".venv" / "bin" / "python", script)
    (clone / ".venv" / "serve").touch()
    ended = make(clone, "--dry-run", "run")
    assert ended.returncode == 0
    assert ("-m venv --clear .venv" in ended.stdout) == is_made_anew
