"""Which Python a contender starts in: that of Lambda's image, or this one, brought along, where PyTorch has only it."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.packaging.bytecode import PYTHON

_PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_PLACE: Final = "/python"


@dataclass(frozen=True)
class Interpreter:
    """`command` starts it in Lambda's image; `pip` are the options by which pip finds wheels for it."""

    version: str
    command: str
    pip: tuple[str, ...]
    docker: tuple[str, ...] = ()  # options that bring it into the image


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
    f"{_PLACE}/bin/python{_THIS}",
    ("--only-binary=:all:",),
    (f"--volume={sys.base_prefix}:{_PLACE}:ro", f"--env=LD_LIBRARY_PATH={_PLACE}/lib"),
)


def torch_for_cpus() -> tuple[Interpreter, str] | None:
    """The newest build of PyTorch without CUDA that pip finds, and for which Python; Lambda's is preferred."""
    for interpreter in (IN_IMAGE, THIS):
        if found := re.search(r"[\d.]+\+cpu", _index(interpreter)):
            return interpreter, found[0]
    return None


def install(interpreter: Interpreter, target: Path, *requirements: str) -> None:
    """As `pip install` lays it out, and without bytecode, as `sam build` leaves it."""
    command = [*_PIP, "install", "--quiet", "--no-compile", *interpreter.pip, f"--target={target}", *requirements]
    subprocess.run(command, check=True, stderr=subprocess.PIPE)


def _index(interpreter: Interpreter) -> str:
    command = [*_PIP, "index", "versions", *interpreter.pip, "torch"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
