"""Static files at versioned addresses, such as `static/3f9a.../app.js`; read and compressed when first asked for.

static/<version>/app.js     its version: cached for a year, for another file has another address
static/app.js               no version, or an old one: the current file, checked by its ETag each time
"""

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

from fastapi import FastAPI, HTTPException, Request, Response

from handler.api.routes.documents import FOREVER, REVALIDATE, Document

# Only files of these types are served; text is compressed.
_TEXT: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_IMAGES: Final = {".jpg": "image/jpeg", ".png": "image/png"}
_VERSIONED: Final = re.compile(r"([0-9a-f]{16})/(.*)", re.DOTALL)


class StaticFiles:
    """The style sheets, scripts and images of a folder, at `/{name}/`. A file may be there as its gzip copy instead."""

    def __init__(self, name: str, find_folder: Callable[[], Path]) -> None:
        self.name, self._find_folder = name, find_folder
        self._documents: dict[str, Document] = {}

    @property
    def address(self) -> str:
        """The versioned address of the folder, relative to the app's root."""
        return f"{self.name}/{self._version}"

    def add_to(self, app: FastAPI) -> None:
        """Serve the files by `app`."""

        @app.get(f"/{self.name}/{{path:path}}", include_in_schema=False, name=f"{self.name} files")
        async def static_file(request: Request) -> Response:
            path = request.path_params["path"]
            versioned = _VERSIONED.fullmatch(path)
            version, name = versioned.groups() if versioned else ("", path)
            return self._document(name).response(request, FOREVER if version == self._version else REVALIDATE)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        folder = self._find_folder()
        paths = (path for path in sorted(folder.rglob("*")) if _served_name(path).suffix in _TEXT | _IMAGES)
        return {_served_name(path).relative_to(folder).as_posix(): path for path in paths}

    @cached_property
    def _version(self) -> str:
        """Hash of all files, since they refer to each other by relative addresses; the same for compressed copies."""
        digest = hashlib.sha256()
        for name, path in self._paths.items():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]

    def _document(self, name: str) -> Document:
        if name not in self._paths:
            raise HTTPException(404)
        if name not in self._documents:
            self._documents[name] = _read(self._paths[name])
        return self._documents[name]


def _served_name(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path


def _read(path: Path) -> Document:
    content, suffix = path.read_bytes(), _served_name(path).suffix
    if path.suffix == ".gz":
        return Document.of_gzip(content, _TEXT[suffix])
    return Document.of(content, (_TEXT | _IMAGES)[suffix], compress=suffix in _TEXT)
