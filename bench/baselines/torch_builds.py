"""Compare size and import time of PyTorch's CPU build and of PyPI's build, which includes CUDA."""

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
    """Return, by build, its bytes and the seconds of a process that only imports it.

    `for_cpus` is a package with `build`, measured if it is for this Python. The other build is the installed one.
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
    """Return the bytes of PyTorch and its CUDA libraries."""
    mine = [each for each in distributions() if each.name.startswith(_WITH_CUDA)]
    files = {Path(str(file.locate())) for each in mine for file in each.files or ()}
    return sum(file.stat().st_size for file in files if file.exists())
