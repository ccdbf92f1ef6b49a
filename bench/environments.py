"""Python environments of their own for what is measured: peers from pinned versions, and an old commit.

They are kept in build/bench, so that only the first run installs anything.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.results import CannotMeasure

PROJECT: Final = Path(__file__).parents[1]
BUILD: Final = PROJECT / "build" / "bench"
_INSTALL_SECONDS: Final = 420


@dataclass(frozen=True)
class Checkout:
    """The source of this project to be measured: the working tree, or another commit."""

    name: str
    folder: Path
    python: Path


THIS: Final = Checkout("this project", PROJECT, Path(sys.executable))


def group(name: str, project: Path = PROJECT) -> list[str]:
    """The pins of the dependency group `name` in the pyproject.toml of `project`."""
    document = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    return [pin for pin in document["dependency-groups"][name] if isinstance(pin, str)]


def pins(project: Path = PROJECT) -> list[str]:
    """What ships: the pins of requirements.in."""
    lines = (project / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [pin for line in lines if (pin := line.partition("#")[0].strip())]


def environment(name: str, requirements: list[str]) -> Path:
    """Return the Python of an environment with `requirements`. Raises CannotMeasure."""
    digest = hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()[:12]
    folder = BUILD / "environments" / f"{name}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        run(_uv("venv", "--clear", "--quiet", "--python", sys.executable, str(folder)))
        run(_uv("pip", "install", "--quiet", "--python", str(python), *requirements))
        (folder / "ready").touch()
    return python


def checkout(commit: str) -> Checkout:
    """Copy `commit` beside the working tree, with its own dependencies. Raises CannotMeasure."""
    sha = run(["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"], f"no commit {commit} here").strip()
    folder = BUILD / "commits" / sha[:12]
    if not folder.exists():
        archive = subprocess.run(["git", "archive", sha], cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    return Checkout(f"commit {sha[:7]}", folder, environment("commit", [*pins(folder), *group("serve", folder)]))


def run(command: list[str], problem: str = "", cwd: Path = PROJECT) -> str:
    """Return what `command` prints. Raises CannotMeasure with `problem`, or the end of its error output."""
    environ = {**os.environ, "UV_HTTP_TIMEOUT": "20", "PIP_DEFAULT_TIMEOUT": "20", "PIP_RETRIES": "1"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environ, capture_output=True, text=True, check=True, timeout=_INSTALL_SECONDS
        )
    except FileNotFoundError as error:
        raise CannotMeasure(f"{command[0]} is missing") from error
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"{_short(command)} took more than {_INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise CannotMeasure(problem or f"{_short(command)} failed: {_last_line(error.stderr)}") from error
    return done.stdout


def _uv(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "uv", *arguments]


def _short(command: list[str]) -> str:
    return " ".join(Path(part).name for part in command if not part.startswith("-"))[:80]


def _last_line(output: str) -> str:
    """The last line that names an error; else the last one."""
    lines = [stripped for line in output.splitlines() if (stripped := line.strip(" │╰─▶×"))]
    errors = [line for line in lines if line.startswith("ERROR")]
    return [*lines, *errors][-1][:300] if lines else "no message"
