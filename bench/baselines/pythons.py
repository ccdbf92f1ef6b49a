"""Python interpreters for the contenders: the image's, or this one, mounted, if PyTorch has a CPU build only for it."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.packaging.bytecode import PYTHON

_PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_MOUNT: Final = "/python"


@dataclass(frozen=True)
class Interpreter:
    """A Python: its command in Lambda's image, and the `pip` options that select wheels for it."""

    version: str
    command: str
    pip: tuple[str, ...]
    docker: tuple[str, ...] = ()  # options of `docker run` that mount it


IN_IMAGE: Final = Interpreter(
    PYTHON,
    f"python{PYTHON}",
    (
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={PYTHON}",
        *(f"--platform={platform}" for platform in _PLATFORMS),
    ),
)
_THIS: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
THIS: Final = Interpreter(
    _THIS,
    f"{_MOUNT}/bin/python{_THIS}",
    ("--only-binary=:all:",),
    (f"--volume={sys.base_prefix}:{_MOUNT}:ro", f"--env=LD_LIBRARY_PATH={_MOUNT}/lib"),
)


def torch_for_cpus() -> tuple[Interpreter, str] | None:
    """Find the newest CPU build of PyTorch, preferably for Lambda's Python; None if pip finds none."""
    for interpreter in (IN_IMAGE, THIS):
        if found := re.search(r"[\d.]+\+cpu", _index(interpreter)):
            return interpreter, found[0]
    return None


def install(interpreter: Interpreter, target: Path, *requirements: str) -> None:
    """Install `requirements` into `target` without bytecode, as `sam build` does."""
    command = [*_PIP, "install", "--quiet", "--no-compile", *interpreter.pip, f"--target={target}", *requirements]
    subprocess.run(command, check=True, stderr=subprocess.PIPE)


def _index(interpreter: Interpreter) -> str:
    command = [*_PIP, "index", "versions", *interpreter.pip, "torch"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
