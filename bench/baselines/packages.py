"""Build the package of each contender, with or without bytecode, as Lambda would have it at /var/task.

Packages are cached in build/bench/, so only the first run installs anything. Concurrent runs are not supported.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from bench.baselines.contenders import Contender
from bench.baselines.models import write_labels
from bench.baselines.pythons import IN_IMAGE, Interpreter, install
from bench.lambda_image import IMAGE
from handler.inference.classifier import MODEL_PATH
from infra.packaging.package import PROJECT, files_in
from infra.packaging.package import main as build_package
from infra.packaging.pruning import prune

_CACHE: Final = PROJECT / "build" / "bench"
_MODELS: Final = (MODEL_PATH, Path(__file__).with_name("models.py"))
_COMPILE: Final = ("-m", "compileall", "-q", "-j0", "--invalidation-mode=unchecked-hash", "/var/task")


@dataclass(frozen=True)
class Package:
    """A built package: its folder, and the sizes that Lambda limits to 250 and 50 MB."""

    folder: Path
    unpacked_bytes: int
    zipped_bytes: int


def package(contender: Contender, interpreter: Interpreter, torch: str | None, *, bytecode: bool) -> Package:
    """Build or reuse the package of `contender`; `torch` is the version of PyTorch, if required."""
    if not contender.is_baseline:
        return _shipped() if bytecode else _shipped_sources()
    plain = _baseline(contender, interpreter, [f"torch=={torch}"] if contender.torch else [])
    return _compiled(contender, plain, interpreter) if bytecode else plain


def _shipped() -> Package:
    def build(folder: Path) -> None:
        with redirect_stdout(StringIO()):
            build_package(folder)

    return _cached("project-bytecode", _project_files(), (), build)


def _shipped_sources() -> Package:
    """Build the package without its last step, the bytecode."""

    def build(folder: Path) -> None:
        install(IN_IMAGE, folder, "--require-hashes", f"--requirement={PROJECT / 'requirements.txt'}")
        shutil.copytree(PROJECT / "handler", folder / "handler", ignore=shutil.ignore_patterns("__pycache__"))
        prune(folder)

    return _cached("project", _project_files(), (), build)


def _baseline(contender: Contender, interpreter: Interpreter, further: list[str]) -> Package:
    pins = _pins()
    requirements = [*(pins[name] for name in contender.requirements), *further]

    def build(folder: Path) -> None:
        install(interpreter, folder, *requirements)
        write_files(contender, folder)

    files = (*(PROJECT / name for name in contender.files), *_MODELS)
    return _cached(contender.kind, files, (interpreter.version, *requirements), build)


def write_files(baseline: Contender, folder: Path) -> None:
    """Copy the sources of `baseline`; write its model and labels next to the first of them."""
    for name in baseline.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    own = (folder / baseline.files[0]).parent
    write_labels(own)
    baseline.write_model(own)


def _compiled(contender: Contender, plain: Package, interpreter: Interpreter) -> Package:
    def build(folder: Path) -> None:
        shutil.copytree(plain.folder, folder, copy_function=os.link)
        command = ["docker", "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}"]
        command += [
            *interpreter.docker,
            f"--volume={folder}:/var/task",
            f"--entrypoint={interpreter.command}",
            IMAGE,
            *_COMPILE,
        ]
        # compileall fails if any file does, and some packages have templates that are not valid Python.
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if not any(folder.rglob("*.pyc")):
            raise RuntimeError(f"compiled no file in {folder}: {done.stderr}")

    return _cached(f"{contender.kind}-bytecode", (), (plain.folder.name,), build)


def _pins() -> dict[str, str]:
    lines = (PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("#")[0].strip() for line in lines]
    return {pin.partition("==")[0]: pin for pin in pins if pin}


def _project_files() -> list[Path]:
    sources = [path for path in files_in(PROJECT / "handler") if "__pycache__" not in path.parts]
    return [PROJECT / "requirements.txt", *sources, *sorted((PROJECT / "infra" / "packaging").glob("*.py"))]


def _cached(name: str, files: Iterable[Path], parameters: Iterable[str], build: Callable[[Path], None]) -> Package:
    """Reuse the last package `name`, if its `files` and `parameters` are unchanged; else build it."""
    digest = hashlib.sha256(repr(parameters).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    folder = _CACHE / name / digest.hexdigest()[:16]
    sizes = folder.with_suffix(".json")
    if not sizes.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.parent.mkdir(parents=True)
        build(folder)
        sizes.write_text(json.dumps(_sizes(folder)), encoding="utf-8")
    return Package(folder, **json.loads(sizes.read_text(encoding="utf-8")))


def _sizes(folder: Path) -> dict[str, int]:
    files = files_in(folder)
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(folder))
        zipped = file.tell()
    return {"unpacked_bytes": sum(path.stat().st_size for path in files), "zipped_bytes": zipped}
