"""The package has its scripts and style sheets as gzip only, the same bytes with each build."""

import gzip
from pathlib import Path

from infra.packaging.compression import compress_static_files

SCRIPT = b"const answer = 42;\n" * 50


def _package(folder: Path) -> Path:
    for name in ("handler/static/app.js", "handler/static/index.html", "handler/static/samples/bag.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(SCRIPT)
    (folder / "fastapi_swagger" / "resources").mkdir(parents=True)
    (folder / "fastapi_swagger" / "resources" / "swagger-ui.css").write_bytes(SCRIPT)
    (folder / "fastapi_swagger" / "main.js").write_bytes(SCRIPT)
    return folder


def _files(package: Path) -> dict[str, bytes]:
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}


def test_scripts_and_style_sheets_become_gzip_files(tmp_path: Path) -> None:
    package = _package(tmp_path)
    compress_static_files(package)
    files = _files(package)
    assert set(files) == {
        "handler/static/app.js.gz",
        "handler/static/index.html",  # the app fills it in
        "handler/static/samples/bag.jpg",
        "fastapi_swagger/resources/swagger-ui.css.gz",
        "fastapi_swagger/main.js",  # not served
    }
    assert gzip.decompress(files["handler/static/app.js.gz"]) == SCRIPT


def test_compression_is_reproducible(tmp_path: Path) -> None:
    first, second = _package(tmp_path / "first"), _package(tmp_path / "second")
    compress_static_files(first)
    compress_static_files(second)
    assert _files(first) == _files(second)
