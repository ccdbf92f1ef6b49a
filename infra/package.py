"""requirements.txt and handler/ in, the folder that runs on Lambda out: `python -m infra.package FOLDER`.

Wheels for Lambda's Python and Linux are installed whatever this machine runs, so neither Docker nor Python 3.13 is
needed; but only Python 3.13 can compile its bytecode, without which each cold start takes some 0.7 s longer.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.sbom import write_sbom

PROJECT: Final = Path(__file__).parent.parent
CACHE: Final = PROJECT / "build" / "package"

_PYTHON: Final = "3.13"
_PLATFORMS: Final = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_PROCESSORS: Final = {"x86_64": "x86_64", "arm64": "aarch64"}  # as Lambda calls them, and as wheels do

# What never runs, and why it does not.
_PRUNED: Final = {
    "bin": "commands for people",
    "boto3/data": "resources; only clients are used",
    "boto3/examples": "documentation",
    "numpy/f2py": "compiles Fortran",
    "numpy/**/tests": "tests",
    "onnxruntime/backend": "an interface to test ONNX",
    "onnxruntime/capi/libonnxruntime.so*": "for C programs; Python's extension has a copy of its own",
    "onnxruntime/datasets": "samples",
    "onnxruntime/quantization": "makes models",
    "onnxruntime/tools": "makes models",
    "onnxruntime/transformers": "makes models",
    "**/*.dist-info/RECORD": "names the files that are not here any more, too",
}
_SERVICES: Final = ("events", "s3")  # of the some 400 that botocore describes


def main(target: Path) -> None:
    """Put the package into `target`, from the cache if nothing has changed since it was last built."""
    interpreter, architecture = _interpreter(), architecture_for(target)
    package = CACHE / architecture / _fingerprint(interpreter is not None)
    if not package.exists():
        shutil.rmtree(package.parent, ignore_errors=True)
        _build(package.with_suffix(".part"), architecture, interpreter)
        package.with_suffix(".part").rename(package)
    shutil.copytree(package, target, dirs_exist_ok=True)
    size = _bytes_in(target) / 1e6
    print(f"package {package.name[:12]}: {size:.0f} MB unpacked, for Python {_PYTHON} on {architecture}")
    if interpreter is None:
        print(
            f"WARNING: no Python {_PYTHON} was found, so the package has no bytecode and starts slowly. "
            f"Install Python {_PYTHON} and build again.",
            file=sys.stderr,
        )


def architecture_for(target: Path) -> str:
    """Which processors the function is for whose folder `target` is: SAM writes its plan beside its build.

    A makefile is not told of it otherwise. Without such a plan, the variable ARCHITECTURE says it, or it is x86_64.
    """
    plan = target.absolute().parent.with_name("build.toml")
    if plan.exists():
        functions = tomllib.loads(plan.read_text(encoding="utf-8")).get("function_build_definitions", {}).values()
        planned = [each["architecture"] for each in functions if target.name in each["functions"]]
        if planned:
            return str(planned[0])
    architecture = os.environ.get("ARCHITECTURE") or "x86_64"
    if architecture not in _PROCESSORS:
        raise SystemExit(f"ARCHITECTURE should be one of {', '.join(_PROCESSORS)}, but is {architecture!r}")
    return architecture


def _build(package: Path, architecture: str, interpreter: str | None) -> None:
    _install_wheels(package, architecture)
    shutil.copytree(PROJECT / "handler", package / "handler", ignore=shutil.ignore_patterns("__pycache__"))
    for path in list(_unused_files(package)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)  # its folder may be gone
    write_sbom(package)
    if interpreter:
        _compile(package, interpreter)


def _install_wheels(package: Path, architecture: str) -> None:
    platforms = [f"--platform={platform}_{_PROCESSORS[architecture]}" for platform in _PLATFORMS]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={_PYTHON}", *platforms]
    subprocess.run([*command, f"--target={package}", f"--requirement={PROJECT / 'requirements.txt'}"], check=True)


def _unused_files(package: Path) -> Iterator[Path]:
    for pattern in _PRUNED:
        yield from package.glob(pattern)
    yield from (path for path in (package / "botocore/data").iterdir() if path.is_dir() and path.name not in _SERVICES)


def _compile(package: Path, interpreter: str) -> None:
    """Bytecode that Python trusts without looking at the source's date, which a zip file does not keep."""
    options = ["--invalidation-mode=unchecked-hash", f"-s{package}", "-p/var/task", "-q", "-j0"]
    subprocess.run([interpreter, "-m", "compileall", *options, str(package)], check=True)


def _interpreter() -> str | None:
    """A Python of Lambda's version: this one, one on the PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, shutil.which(f"python{_PYTHON}"), *map(str, pyenv.glob(f"{_PYTHON}.*/bin/python"))]
    return next((candidate for candidate in candidates if candidate and _is_version(candidate)), None)


def _is_version(interpreter: str) -> bool:
    answer = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=False)
    return answer.stdout.startswith(f"Python {_PYTHON}.")


def _fingerprint(has_bytecode: bool) -> str:
    """A hash of all that decides what the package holds."""
    sources = [path for path in (PROJECT / "handler").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    digest = hashlib.sha256(str(has_bytecode).encode())
    for path in sorted([*sources, PROJECT / "requirements.txt", Path(__file__), PROJECT / "infra" / "sbom.py"]):
        digest.update(f"{path.relative_to(PROJECT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
