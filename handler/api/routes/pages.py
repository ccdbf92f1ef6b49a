"""Routes `/` (the page), `/about` (the model), `/docs` (Swagger UI), `/openapi.json` and static files.

Nothing comes from other hosts, but for images whose addresses visitors paste.
"""

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response

from handler.api.routes.documents import REVALIDATE, Document
from handler.api.routes.static_files import StaticFiles

STATIC_FOLDER: Final = Path(__file__).parents[2] / "static"

_HTML: Final = "text/html; charset=utf-8"
_LINK_TO_DOCS: Final = re.compile(r'\s*<a href="docs".*?</a>')
_ROOT_PATHS: Final = 8  # of which the documents are kept; a deployment has one

# Browsers may load and run nothing from elsewhere.
_OWN: Final = (
    "default-src 'none'; img-src 'self' blob: data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none';"
    " script-src 'self'; style-src 'self'; manifest-src 'self'; connect-src 'self'"
)


def page_policy(upload_origin: str | None) -> str:
    """The page's Content-Security-Policy; large images are posted to `upload_origin`.

    Images may be fetched from any host, since visitors may paste an image's address.
    """
    return " ".join([_OWN, "https:", *([upload_origin] if upload_origin else [])])


def add_pages(app: FastAPI, upload_origin: str | None, *, docs: bool) -> None:
    """Add `/` and `/about`, with `docs` also `/docs` and `/openapi.json`, and the files that they load to `app`."""
    static = StaticFiles("static", lambda: STATIC_FOLDER)
    static.add_to(app)
    _add_page(app, static, ("/", "index.html"), page_policy(upload_origin), docs=docs)
    _add_page(app, static, ("/about", "about.html"), _OWN, docs=docs)
    if docs:
        swagger = StaticFiles("swagger", _swagger_folder)
        swagger.add_to(app)
        _add_documentation(app, static, swagger)
        _add_openapi(app)


def _add_page(app: FastAPI, static: StaticFiles, page_file: tuple[str, str], policy: str, *, docs: bool) -> None:
    path, file = page_file

    @lru_cache(_ROOT_PATHS)
    def page_below(root_path: str) -> Document:
        html = _html(file, static)
        # Relative, since a proxy may remove a prefix that the app does not know.
        html = html.replace("{{base}}", f"{root_path}/" if root_path else "./")
        return Document.of((html if docs else _LINK_TO_DOCS.sub("", html)).encode(), _HTML)

    @app.get(path, include_in_schema=False, name=file)
    async def page(request: Request) -> Response:
        return _page_response(request, page_below(_root_path(request)), policy)


def _add_documentation(app: FastAPI, static: StaticFiles, swagger: StaticFiles) -> None:
    @cache
    def documentation_page() -> Document:
        # Without a base, which would change Swagger UI's links within the page; all its addresses are relative.
        return Document.of(_html("docs.html", static, swagger).encode(), _HTML)

    @app.get("/docs", include_in_schema=False)
    async def documentation(request: Request) -> Response:
        return _page_response(request, documentation_page(), _OWN)


def _add_openapi(app: FastAPI) -> None:
    @lru_cache(_ROOT_PATHS)
    def openapi_below(root_path: str) -> Document:
        document = {**app.openapi(), "servers": [{"url": root_path or "/"}]}
        return Document.of(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), "application/json")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return openapi_below(_root_path(request)).response(request, REVALIDATE)


def _html(name: str, *folders: StaticFiles) -> str:
    """The HTML file `name`, whose addresses below each of `folders` get their versions."""
    html = (STATIC_FOLDER / name).read_text(encoding="utf-8")
    for folder in folders:
        html = html.replace(f'"{folder.name}/', f'"{folder.address}/')
    return html


def _page_response(request: Request, page: Document, policy: str) -> Response:
    return page.response(request, REVALIDATE, {"Content-Security-Policy": policy})


def _swagger_folder() -> Path:
    """Swagger UI as published, from a package of which only these files are used."""
    import fastapi_swagger  # type: ignore[import-untyped]  # noqa: PLC0415  only the documentation needs it

    return Path(fastapi_swagger.__file__).parent / "resources"


def _root_path(request: Request) -> str:
    return quote(request.scope.get("root_path", "").rstrip("/"))
