"""A package's folder in; the same with bytecode for Lambda's Python, and without the sources that it replaces, out.

Lambda's file system is read-only, so that Python could not keep what it compiles there.
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
_OWN: Final = "handler"  # keeps its sources, so that what failed can be read where it failed

# The hash, not the date of the source, which a zip file does not keep; and Python need not look at the source at all.
_OPTIONS: Final = ("--invalidation-mode=unchecked-hash", "-q", "-j1")


@dataclass(frozen=True)
class Compiler:
    """A Python of Lambda's version: at `path` on this machine or, without one, in Lambda's image."""

    version: str
    path: str | None = None


def find_compiler() -> Compiler | None:
    """This Python, one on the PATH, one of pyenv's, or that of Lambda's image."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, shutil.which(f"python{PYTHON}"), *map(str, pyenv.glob(f"{PYTHON}.*/bin/python"))]
    found = (Compiler(_version([path]), path) for path in filter(None, candidates))
    here = next((compiler for compiler in found if compiler.version), None)
    if here or not shutil.which("docker"):
        return here
    version = _version(_in_image())
    return Compiler(version) if version else None


def compile_package(package: Path, compiler: Compiler) -> None:
    """Compile all of the folder `package`; libraries keep their bytecode only."""
    folder = package.absolute().as_posix() if compiler.path else "/package"
    python = [compiler.path] if compiler.path else _in_image(f"--volume={package.absolute()}:{folder}")
    compileall = [
        *python,
        "-m",
        "compileall",
        *_OPTIONS,
        f"-s{folder}",
        "-p/var/task",
    ]  # tracebacks name it as Lambda has it
    _run([*compileall, f"{folder}/{_OWN}"])
    _run([*compileall, "-b", "-x", f"^{folder}/{_OWN}/", folder])
    for bytecode in package.rglob("*.pyc"):
        if bytecode.parent.name != "__pycache__":
            bytecode.with_suffix(".py").unlink()


def _run(command: Sequence[str]) -> None:
    """Sets are written in the order of their hashes, which must be the same each time."""
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def _in_image(*options: str) -> list[str]:
    user = f"--user={os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "--user=0"
    run = ["docker", "run", "--rm", user, "--env=PYTHONHASHSEED=0", f"--entrypoint=python{PYTHON}", *options]
    return [*run, _IMAGE]


def _version(python: Sequence[str]) -> str:
    """As in "Python 3.13.5"; nothing if `python` is another one, or none."""
    try:
        told = subprocess.run([*python, "--version"], capture_output=True, text=True, check=False, timeout=300).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.strip() if told.startswith(f"Python {PYTHON}.") else ""
