"""What PyTorch alone costs: the build for CPUs, and the one that PyPI has, which brings CUDA along."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Final

from bench.baselines.pythons import THIS, Interpreter
from bench.timing import Spread, in_turns
from infra.packaging.package import files_in

_WITH_CUDA: Final = ("cuda", "nvidia", "torch", "triton")


def imports_of_torch(build: tuple[Interpreter, str], for_cpus: Path, rounds: int) -> dict[str, tuple[int, Spread]]:
    """By build, its bytes, and the seconds of a process that imports it and ends.

    `for_cpus` is a package with `build`, measured if it is for this Python; the other is what is installed here.
    """
    interpreter, name = build
    bytes_of = {f"{version('torch')}, as installed here": _installed_bytes()}
    imports = dict.fromkeys(bytes_of, _import_from(None))
    if interpreter is THIS:
        bytes_of[name] = sum(path.stat().st_size for path in files_in(for_cpus / "torch"))
        imports[name] = _import_from(for_cpus)
    return {each: (bytes_of[each], seconds) for each, seconds in in_turns(imports, rounds, warm_up=1).items()}


def _import_from(folder: Path | None) -> Callable[[], object]:
    environment = {**os.environ, **({"PYTHONPATH": str(folder)} if folder else {})}
    return lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True, env=environment)


def _installed_bytes() -> int:
    """Of PyTorch and of what it needs of CUDA."""
    mine = [each for each in distributions() if each.name.startswith(_WITH_CUDA)]
    files = {Path(str(file.locate())) for each in mine for file in each.files or ()}
    return sum(file.stat().st_size for file in files if file.exists())
