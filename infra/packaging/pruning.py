"""A folder of installed wheels in; the same without what never runs out, each omission with its reason."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# Whole distributions, with their metadata.
UNUSED: Final = {
    "flatbuffers": "of onnxruntime's tools, which are left out",
    "packaging": "the same",
    "protobuf": "the same",
}
_FOLDERS_OF: Final = {"protobuf": "google"}

_PRUNED: Final = {
    "bin": "commands for people",
    "**/*.pyi": "for type checkers",
    "**/*.pxd": "for Cython",
    "**/*.dist-info/RECORD": "names the files that are not here any more, too",
    "dateutil/zoneinfo/*.tar.gz": "time zones; S3 speaks UTC",
    "numpy/_core/include": "C headers",
    "numpy/**/lib/*.a": "for C programs",
    "numpy/**/tests": "tests",
    "numpy/_core/*_tests.*.so": "tests",
    "numpy/_core/_simd.*.so": "tests",
    "numpy/f2py": "compiles Fortran",
    "numpy/fft": "loaded when it is used, which it is not",
    "numpy/polynomial": "the same",
    "numpy/random": "the same",
    "onnxruntime/backend": "an interface to test ONNX",
    "onnxruntime/capi/libonnxruntime.so*": "for C programs; Python's extension has a copy of its own",
    "onnxruntime/datasets": "samples",
    "onnxruntime/quantization": "makes models",
    "onnxruntime/tools": "makes models",
    "onnxruntime/transformers": "makes models",
    "PIL/_imagingcms.*.so": "colour profiles",
    "PIL/_imagingft.*.so": "fonts",
    "PIL/_imagingmath.*.so": "arithmetic with pictures",
    "PIL/_imagingmorph.*.so": "morphology",
    "PIL/_imagingtk.*.so": "windows",
    "pillow.libs/libbrotli*": "for fonts",
    "pillow.libs/libfreetype*": "for fonts",
    "pillow.libs/libharfbuzz*": "for fonts",
    "pillow.libs/libpng*": "for fonts; Pillow reads PNG files by itself",
    "pillow.libs/liblcms2*": "for colour profiles",
    "pydantic/mypy.py": "for a type checker",
    # FastAPI asks whether a model is one of pydantic's first version, and gets along without it.
    "pydantic/v1": "25 ms of each cold start, for models that are not here",
}
_DOCUMENTED: Final = ("operations", "shapes")
_SERVICES: Final = ("events", "s3")  # of the some 400 that botocore describes


def prune(package: Path) -> None:
    """Take out of the folder `package` what no request and no upload needs."""
    for path in list(_unused(package)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)  # its folder may be gone
    _thin_out(package / "botocore/data")


def _unused(package: Path) -> Iterator[Path]:
    for pattern in _PRUNED:
        yield from package.glob(pattern)
    for name in UNUSED:
        yield package / _FOLDERS_OF.get(name, name)
        yield from package.glob(f"{name}-*.dist-info")
    yield from (path for path in (package / "botocore/data").iterdir() if path.is_dir() and path.name not in _SERVICES)


def _thin_out(data: Path) -> None:
    """What botocore reads at each start, without the services that are not used, the documentation, the compression.

    It takes 7 instead of 35 ms to read then.
    """
    for described in data.glob("*/*/*.json.gz"):
        document = json.loads(gzip.decompress(described.read_bytes()))
        # Elsewhere botocore insists on a documentation, as of a client's parameters.
        shortened = {part: _without_documentation(document[part]) for part in _DOCUMENTED if part in document}
        _write(described.with_suffix(""), {**document, **shortened})
        described.unlink()
    for examples in data.glob("*/*/examples-*.json"):
        examples.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text(encoding="utf-8"))
    for partition in endpoints["partitions"]:
        partition["services"] = {name: partition["services"].get(name, {}) for name in _SERVICES}
    _write(data / "endpoints.json", endpoints)


def _without_documentation(value: Any) -> Any:
    match value:
        case dict():
            named = ((key, each) for key, each in value.items() if key != "documentation" or not isinstance(each, str))
            return {key: _without_documentation(each) for key, each in named}
        case list():
            return [_without_documentation(each) for each in value]
        case _:
            return value


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
