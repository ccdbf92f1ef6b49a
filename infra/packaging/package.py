"""Build the Lambda package from requirements.txt and handler/: `python -m infra.packaging.package FOLDER`.

The variable MODEL names another model's folder, or its run's, which takes the place of handler/model.

Wheels for Lambda's Python and Linux are installed, on any operating system. Bytecode needs Python 3.13, on this machine
or in Lambda's Docker image; without it a cold start takes about 0.5 s longer. Builds are reproducible: the same files
and the same Python give the same bytes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from handler.errors import InvalidModel
from handler.inference.card import CARD_PATH, MODEL_FOLDER, model_folder, read_card
from infra.packaging.bytecode import PYTHON, Compiler, compile_package, find_compiler
from infra.packaging.compression import compress_static_files
from infra.packaging.pruning import prune
from infra.packaging.sbom import write_sbom
from infra.packaging.stripping import strip_shared_objects

PROJECT: Final = Path(__file__).parents[2]
CACHE: Final = PROJECT / "build" / "package"

_MODIFIED: Final = 315_619_200  # 1980-01-02: zip files cannot hold earlier dates, in any time zone
_PLATFORMS: Final = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_PROCESSORS: Final = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's names, and those of wheels


def main(target: Path) -> None:
    """Build the package into `target`, or copy it from the cache if nothing has changed."""
    compiler, architecture = find_compiler(), architecture_for(target)
    model = model_of(os.environ.get("MODEL", ""))
    package = CACHE / architecture / _fingerprint(compiler, model)
    if not package.exists():
        unfinished = package.with_suffix(f".{os.getpid()}.part")  # two builds may run at once
        _build(unfinished, architecture, compiler, model)
        _keep(unfinished, package)
    shutil.copytree(package, target, dirs_exist_ok=True)
    size = sum(path.stat().st_size for path in files_in(target)) / 1e6
    print(f"package {content_hash(target)[:12]}: {size:.0f} MB unpacked, for Python {PYTHON} on {architecture}")
    if compiler is None:
        print(
            f"WARNING: neither Python {PYTHON} nor Docker was found; without bytecode, cold starts are slow. "
            f"Install Python {PYTHON} and build again.",
            file=sys.stderr,
        )


def model_of(path: str) -> Path:
    """The folder of the model to ship, handler/model if `path` is empty. Ends the process if it holds no model."""
    folder = model_folder(path)
    try:
        read_card(folder / CARD_PATH.name)
    except InvalidModel as error:
        raise SystemExit(f"MODEL={path}: {error}") from error
    return folder


def architecture_for(target: Path) -> str:
    """Architecture of the function that SAM builds into `target`, from the build.toml next to the build folder.

    SAM passes it to makefiles in no other way. Without build.toml: the variable ARCHITECTURE, else x86_64.
    """
    build_plan = target.absolute().parent.with_name("build.toml")
    if build_plan.exists():
        functions = tomllib.loads(build_plan.read_text(encoding="utf-8")).get("function_build_definitions", {}).values()
        planned = [each["architecture"] for each in functions if target.name in each["functions"]]
        if planned:
            return str(planned[0])
    architecture = os.environ.get("ARCHITECTURE") or "x86_64"
    if architecture not in _PROCESSORS:
        raise SystemExit(f"ARCHITECTURE must be one of {', '.join(_PROCESSORS)}, got {architecture!r}")
    return architecture


def files_in(folder: Path) -> list[Path]:
    """All files of a package, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def content_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of all files in `folder`."""
    digest = hashlib.sha256()
    for path in files_in(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def copy_handler(package: Path, model: Path) -> None:
    """Copy handler/ into `package`, with the files of the folder `model` as its only model."""
    ignored = shutil.ignore_patterns("__pycache__", MODEL_FOLDER.name)
    shutil.copytree(PROJECT / "handler", package / "handler", ignore=ignored)
    shipped = package / MODEL_FOLDER.relative_to(PROJECT)
    shipped.mkdir()
    for file in _files_of_model(model):
        shutil.copy(file, shipped)


def _files_of_model(model: Path) -> list[Path]:
    return [model / CARD_PATH.name, *sorted(model.glob("*.onnx"))]


def _build(package: Path, architecture: str, compiler: Compiler | None, model: Path) -> None:
    _install_wheels(package, architecture)
    copy_handler(package, model)
    prune(package)
    strip_shared_objects(package)
    compress_static_files(package)
    write_sbom(package)
    if compiler:
        compile_package(package, compiler)
    for path in files_in(package):
        os.utime(path, (_MODIFIED, _MODIFIED))


def _keep(unfinished: Path, package: Path) -> None:
    """Move a package to its place in the cache, unless another build was faster; remove outdated ones."""
    try:
        unfinished.rename(package)
    except OSError:
        if not package.exists():
            raise
        shutil.rmtree(unfinished)
    for other in package.parent.iterdir():
        if other != package and other.suffix != ".part":
            shutil.rmtree(other, ignore_errors=True)


def _install_wheels(package: Path, architecture: str) -> None:
    platforms = [f"--platform={platform}_{_PROCESSORS[architecture]}" for platform in _PLATFORMS]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *platforms]
    subprocess.run([*command, f"--target={package}", f"--requirement={PROJECT / 'requirements.txt'}"], check=True)


def _fingerprint(compiler: Compiler | None, model: Path) -> str:
    """Hash of everything that determines the package."""
    sources = [path for path in (PROJECT / "handler").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    builders = (PROJECT / "infra" / "packaging").glob("*.py")
    digest = hashlib.sha256(repr(compiler).encode())
    for path in sorted([*sources, PROJECT / "requirements.txt", *builders, *_files_of_model(model.absolute())]):
        digest.update(f"{path}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m infra.packaging.package", description="Build the Lambda package.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to put it; files that are there stay")
    main(parser.parse_args().folder)
