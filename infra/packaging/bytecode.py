"""Compile a package to bytecode for Lambda's Python, and remove the sources of its libraries.

Lambda's file system is read-only, so Python could not cache bytecode there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PYTHON: Final = "3.13"
_IMAGE: Final = f"public.ecr.aws/lambda/python:{PYTHON}-x86_64"
_OWN: Final = "handler"  # keeps its sources, so that tracebacks show source lines

# By source hash, since zip files do not keep exact dates; unchecked, so that Python need not read the source.
_OPTIONS: Final = ("--invalidation-mode=unchecked-hash", "-q", "-j1")


@dataclass(frozen=True)
class Compiler:
    """A Python of Lambda's version: at `path` on this machine, or in Lambda's image if there is no path."""

    version: str
    path: str | None = None


def find_compiler() -> Compiler | None:
    """Search the running Python, PATH, pyenv and Lambda's Docker image, in this order."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, shutil.which(f"python{PYTHON}"), *map(str, pyenv.glob(f"{PYTHON}.*/bin/python"))]
    found = (Compiler(_version([path]), path) for path in filter(None, candidates))
    here = next((compiler for compiler in found if compiler.version), None)
    if here or not shutil.which("docker"):
        return here
    version = _version(_in_image())
    return Compiler(version) if version else None


def compile_package(package: Path, compiler: Compiler) -> None:
    """Compile the folder `package` in place; libraries keep only their bytecode."""
    folder = package.absolute().as_posix() if compiler.path else "/package"
    python = [compiler.path] if compiler.path else _in_image(f"--volume={package.absolute()}:{folder}")
    # Tracebacks name the paths on Lambda.
    compileall = [*python, "-m", "compileall", *_OPTIONS, f"-s{folder}", "-p/var/task"]
    _run([*compileall, f"{folder}/{_OWN}"])
    # Docstrings and assertions are a fifth of the libraries' bytecode.
    _run([*compileall, "-o2", "-b", "-x", f"^{folder}/{_OWN}/", folder])
    for bytecode in package.rglob("*.pyc"):
        if bytecode.parent.name != "__pycache__":
            bytecode.with_suffix(".py").unlink()


def _run(command: Sequence[str]) -> None:
    """Run with a fixed hash seed: the order of sets in bytecode depends on it."""
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def _in_image(*options: str) -> list[str]:
    user = f"--user={os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "--user=0"
    run = ["docker", "run", "--rm", user, "--env=PYTHONHASHSEED=0", f"--entrypoint=python{PYTHON}", *options]
    return [*run, _IMAGE]


def _version(python: Sequence[str]) -> str:
    """The output of `--version`, such as "Python 3.13.5"; empty if `python` is missing or of another version."""
    try:
        output = subprocess.run([*python, "--version"], capture_output=True, text=True, check=False, timeout=300).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return output.strip() if output.startswith(f"Python {PYTHON}.") else ""
