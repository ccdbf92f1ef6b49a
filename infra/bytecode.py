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
    """A Python of Lambda's version: the start of its command line, and how it calls the folder of the package."""

    command: tuple[str, ...]
    version: str
    folder: str | None = None  # None: as everybody does


def find_compiler() -> Compiler | None:
    """This Python, one on the PATH, one of pyenv's, or that of Lambda's image."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, shutil.which(f"python{PYTHON}"), *map(str, pyenv.glob(f"{PYTHON}.*/bin/python"))]
    for candidate in filter(None, candidates):
        version = _answer([candidate, "--version"])
        if version.startswith(f"Python {PYTHON}."):
            return Compiler((candidate,), version)
    return _in_docker()


def compile_package(package: Path, compiler: Compiler) -> None:
    """Compile all of the folder `package`; libraries keep their bytecode only."""
    folder = compiler.folder or str(package)
    strip = (f"-s{folder}", "-p/var/task")  # names in tracebacks are those on Lambda
    _compile(package, compiler, [*strip, f"{folder}/{_OWN}"])
    _compile(package, compiler, [*strip, "-b", "-x", f"^{folder}/{_OWN}/", folder])
    for bytecode in package.rglob("*.pyc"):
        if bytecode.parent.name != "__pycache__":
            bytecode.with_suffix(".py").unlink()


def _compile(package: Path, compiler: Compiler, arguments: Sequence[str]) -> None:
    mount = [part.replace("PACKAGE", str(package.absolute())) for part in compiler.command]
    # Sets are written in the order of their hashes.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([*mount, "-m", "compileall", *_OPTIONS, *arguments], check=True, env=environment)


def _in_docker() -> Compiler | None:
    if not shutil.which("docker"):
        return None
    user = f"--user={os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "--user=0"
    run = (
        "docker",
        "run",
        "--rm",
        user,
        "--env=PYTHONHASHSEED=0",
        "--volume=PACKAGE:/package",
        "--entrypoint=python3.13",
    )
    version = _answer([*(part for part in run if not part.startswith("--volume")), _IMAGE, "--version"])
    return Compiler((*run, _IMAGE), version, "/package") if version.startswith(f"Python {PYTHON}.") else None


def _answer(command: Sequence[str]) -> str:
    """What `command` prints; nothing if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
