"""Build packages for Lambda: this project's, that of another commit, and baselines as pip installs them.

Baselines are kept in build/bench/packages, so that only the first run installs anything.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.environments import BUILD, Checkout, pins, run
from bench.lambda_image import IMAGE, PYTHON
from infra.packaging.package import files_in

_PACKAGES: Final = BUILD / "packages"
_BASELINES: Final = Path(__file__).with_name("baselines")
_MODEL: Final = _BASELINES.parents[1] / "handler" / "model" / "classifier.onnx"
_PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_WHEELS: Final = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON.removeprefix('python')}"]
_COMPILE: Final = ("-m", "compileall", "-q", "-j0", "--invalidation-mode=unchecked-hash", "/var/task")


@dataclass(frozen=True)
class Baseline:
    """A function in bench/baselines, as short as in tutorials; `requirements` are names that this project pins."""

    module: str
    requirements: tuple[str, ...]


def own_package(checkout: Checkout) -> Path:
    """Build the package as `sam build` does. Raises CannotMeasure."""
    folder = _PACKAGES / checkout.name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "infra.packaging.package", str(folder)], cwd=checkout.folder)
    return folder


def baseline_package(baseline: Baseline, *, bytecode: bool) -> Path:
    """Install the pinned requirements, without bytecode as `sam build` does, or with it. Raises CannotMeasure."""
    wanted = [pin for pin in pins() if pin.partition("==")[0] in baseline.requirements]
    source = _BASELINES / f"{baseline.module}.py"
    digest = hashlib.sha256(repr(wanted).encode() + source.read_bytes() + _MODEL.read_bytes()).hexdigest()[:12]
    folder = _PACKAGES / f"{baseline.module}-{digest}{'-bytecode' * bytecode}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        if bytecode:
            _compile(baseline_package(baseline, bytecode=False), part)
        else:
            platforms = [f"--platform={platform}" for platform in _PLATFORMS]
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
            run([*pip, *_WHEELS, *platforms, f"--target={part}", *wanted])
            shutil.copyfile(source, part / source.name)
            shutil.copyfile(_MODEL, part / "model.onnx")
        part.rename(folder)
    return folder


def _compile(plain: Path, folder: Path) -> None:
    """Compile a copy by Lambda's Python. It fails for a few templates that are not valid Python."""
    shutil.copytree(plain, folder, copy_function=os.link)
    command = ["docker", "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}"]
    command += [f"--volume={folder}:/var/task", f"--entrypoint={PYTHON}", IMAGE, *_COMPILE]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if not any(folder.rglob("*.pyc")):
        raise RuntimeError(f"compiled no file in {folder}: {done.stderr}")


def unpacked_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in files_in(folder)) / 1e6


def zipped_mb(folder: Path) -> float:
    """The size of `folder` zipped as SAM CLI does it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in files_in(folder):
            file.write(path, path.relative_to(folder))
    return archive.tell() / 1e6
