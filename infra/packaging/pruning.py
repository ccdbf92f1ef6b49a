"""Prune installed wheels: remove files that never run on Lambda, each with its reason."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# Whole distributions, with their metadata.
UNUSED: Final = {
    "flatbuffers": "for onnxruntime's tools, which are removed",
    "packaging": "for onnxruntime's tools, which are removed",
    "protobuf": "for onnxruntime's tools, which are removed",
}
_FOLDERS_OF: Final = {"protobuf": "google"}

PRUNED: Final = {
    "anyio/_backends/_trio.py": "for Trio; uvicorn and Mangum use asyncio",
    "anyio/pytest_plugin.py": "for tests",
    "bin": "console scripts",
    "**/*.pyi": "for type checkers",
    "**/*.pxd": "for Cython",
    "**/*.dist-info/RECORD": "lists files that are removed",
    "dateutil/rrule.py": "repeating dates",
    "dateutil/zoneinfo/*.tar.gz": "time zones; S3 uses UTC",
    "handler/__main__.py": "the command line",
    "handler/cli": "the command line",
    "handler/serving": "the server without Lambda",
    "numpy/conftest.py": "for tests",
    "numpy/_core/include": "C headers",
    "numpy/**/lib/*.a": "for C programs",
    "numpy/**/tests": "tests",
    "numpy/_core/*_tests.*.so": "tests",
    "numpy/_core/_simd.*.so": "tests",
    "numpy/f2py": "compiles Fortran",
    "numpy/fft": "imported lazily, and not used",
    "numpy/ma": "imported lazily, and not used",
    "numpy/polynomial": "imported lazily, and not used",
    "numpy/random": "imported lazily, and not used",
    "numpy/testing": "for tests",
    "onnxruntime/backend": "interface of the ONNX test suite",
    "onnxruntime/capi/libonnxruntime.so*": "for C programs; the Python extension has its own copy",
    "onnxruntime/datasets": "samples",
    "onnxruntime/quantization": "makes models",
    "onnxruntime/tools": "makes models",
    "onnxruntime/transformers": "makes models",
    "PIL/_imagingcms.*.so": "colour profiles",
    "PIL/_imagingft.*.so": "fonts",
    "PIL/_imagingmath.*.so": "arithmetic on images",
    "PIL/_imagingmorph.*.so": "morphology",
    "PIL/_imagingtk.*.so": "Tk windows",
    "PIL/ImageDraw*.py": "drawing",
    "PIL/ImageFont.py": "fonts",
    "PIL/ImageText.py": "fonts",
    "PIL/PdfParser.py": "writes PDF",
    "pillow.libs/libbrotli*": "for fonts",
    "pillow.libs/libfreetype*": "for fonts",
    "pillow.libs/libharfbuzz*": "for fonts",
    "pillow.libs/libpng*": "for fonts; Pillow decodes PNG itself",
    "pillow.libs/liblcms2*": "for colour profiles",
    "pydantic/experimental": "imported lazily, and not used",
    "pydantic/mypy.py": "for a type checker",
    # FastAPI checks for models of pydantic 1, and works without it.
    "pydantic/v1": "25 ms of each cold start, for models that are not used",
    "starlette/testclient.py": "for tests",
    "urllib3/contrib": "for OpenSSL's own bindings, SOCKS and Pyodide",
}
# Of Pillow's about 40 readers; MPO is what some cameras call a JPEG, and PPM is imported with the common ones.
_READERS: Final = ("Avif", "Bmp", "Gif", "Jpeg", "Mpo", "Png", "Ppm", "Tiff", "WebP")
_DOCUMENTED: Final = ("operations", "shapes")
_SERVICES: Final = ("events", "s3")  # of the about 400 in botocore


def prune(package: Path) -> None:
    """Remove from the folder `package` what neither the API nor the worker needs."""
    for path in list(_unused(package)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)  # its folder may be gone
    for metadata in package.glob("*.dist-info/METADATA"):
        _drop_description(metadata)
    _thin_out(package / "botocore/data")


def _unused(package: Path) -> Iterator[Path]:
    for pattern in PRUNED:
        yield from package.glob(pattern)
    for reader in package.glob("PIL/*ImagePlugin.py"):
        if reader.name.removesuffix("ImagePlugin.py") not in _READERS:
            yield reader
    for name in UNUSED:
        yield package / _FOLDERS_OF.get(name, name)
        yield from package.glob(f"{name}-*.dist-info")
    yield from (path for path in (package / "botocore/data").iterdir() if path.is_dir() and path.name not in _SERVICES)


def _drop_description(metadata: Path) -> None:
    """Keep the fields of a distribution's metadata, without the page for PyPI that follows them."""
    fields, _, _ = metadata.read_bytes().partition(b"\n\n")
    metadata.write_bytes(fields + b"\n")


def _thin_out(data: Path) -> None:
    """Shrink the data that botocore reads at start: only used services, no documentation, uncompressed.

    Reading it then takes 7 ms instead of 35 ms.
    """
    for service in data.glob("*/*/*.json.gz"):
        document = json.loads(gzip.decompress(service.read_bytes()))
        # Other parts, such as a client's parameters, must keep their documentation.
        shortened = {part: _without_documentation(document[part]) for part in _DOCUMENTED if part in document}
        _write(service.with_suffix(""), {**document, **shortened})
        service.unlink()
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
