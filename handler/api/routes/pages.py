"""Routes `/` (the page), `/about` (the model), `/docs` (Swagger UI), `/openapi.json`, static files, the app manifest.

What the model is (classes, title, input) stands in the pages, so that their first paint has the right words. Nothing
comes from other hosts, but for images whose addresses visitors paste.
"""

import html
import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response

from handler.api.routes.documents import REVALIDATE, Document
from handler.api.routes.static_files import StaticFiles
from handler.api.schemas import Labels

STATIC_FOLDER: Final = Path(__file__).parents[2] / "static"

_HTML: Final = "text/html; charset=utf-8"
_MANIFEST: Final = "application/manifest+json"
_LINK_TO_DOCS: Final = re.compile(r'\s*<a href="docs".*?</a>')
_CLOTHES: Final = "clothes"  # the title of the models that the page's sample images and icons suit
_OTHERS: Final = "others"
_ADDRESSES: Final = 8  # of which the documents are kept; a deployment has one
_HOST: Final = re.compile(r"[\w.-]+(?::\d+)?", re.ASCII)

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


def add_pages(app: FastAPI, classes: Labels, upload_origin: str | None, *, docs: bool) -> None:
    """Add `/` and `/about`, with `docs` also `/docs` and `/openapi.json`, and the files that they load to `app`."""
    static = StaticFiles("static", lambda: STATIC_FOLDER)
    static.add_to(app)
    filled = _filler(app.title, classes, static, docs=docs)
    _add_page(app, "/", page_policy(upload_origin), partial(filled, "index.html"))
    _add_page(app, "/about", _OWN, partial(filled, "about.html"))
    _add_page(app, "/manifest.webmanifest", _OWN, partial(filled, "manifest.webmanifest"), _MANIFEST)
    if docs:
        swagger = StaticFiles("swagger", _swagger_folder)
        swagger.add_to(app)
        _add_documentation(app, classes, static, swagger)
        _add_openapi(app)


def _filler(title: str, classes: Labels, static: StaticFiles, *, docs: bool) -> Callable[[str, str, str], str]:
    """A function from a file's name, the origin and the root path to the file with all that is known filled in."""

    def filled(name: str, origin: str, root_path: str) -> str:
        text = _with_versions(name, static)
        text = text if docs else _LINK_TO_DOCS.sub("", text)
        text = _without(_OTHERS if classes.title.english == _CLOTHES else _CLOTHES, text)
        # Relative, since a proxy may remove a prefix that the app does not know.
        base = f"{root_path}/" if root_path else "./"
        values = {**_values(title, classes), "base": base, "address": f"{origin}{root_path}/"}
        return _fill(text, values, _in_json if name.endswith(".webmanifest") else html.escape)

    return filled


def _values(title: str, classes: Labels) -> dict[str, str]:
    return {
        "title": title,
        "classes": classes.title.english,
        "count": str(len(classes.labels)),
        "model": classes.model_dump_json(),
        "icon": "icon" if classes.title.english == _CLOTHES else "image",
    }


def _without(kind: str, text: str) -> str:
    """`text` without what is of models of that kind, between `<!-- kind -->` and `<!-- /kind -->`."""
    return re.sub(rf"\s*<!-- {kind} -->.*?<!-- /{kind} -->", "", text, flags=re.DOTALL)


def _fill(text: str, values: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    """Replace each {{name}} in `text` by that one of `values`."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: escaped(values[found[1]]), text)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _add_page(
    app: FastAPI, path: str, policy: str, text_at: Callable[[str, str], str], media_type: str = _HTML
) -> None:
    @lru_cache(_ADDRESSES)
    def page_at(origin: str, root_path: str) -> Document:
        return Document.of(text_at(origin, root_path).encode(), media_type)

    @app.get(path, include_in_schema=False)
    async def page(request: Request) -> Response:
        return _page_response(request, page_at(_origin(request), _root_path(request)), policy)


def _add_documentation(app: FastAPI, classes: Labels, static: StaticFiles, swagger: StaticFiles) -> None:
    @cache
    def documentation_page() -> Document:
        # Without a base, which would change Swagger UI's links within the page; all its addresses are relative.
        page = _fill(_with_versions("docs.html", static, swagger), _values(app.title, classes), html.escape)
        return Document.of(page.encode(), _HTML)

    @app.get("/docs", include_in_schema=False)
    async def documentation(request: Request) -> Response:
        return _page_response(request, documentation_page(), _OWN)


def _add_openapi(app: FastAPI) -> None:
    @lru_cache(_ADDRESSES)
    def openapi_below(root_path: str) -> Document:
        document = {**app.openapi(), "servers": [{"url": root_path or "/"}]}
        return Document.of(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), "application/json")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return openapi_below(_root_path(request)).response(request, REVALIDATE)


def _with_versions(name: str, *folders: StaticFiles) -> str:
    """The file `name`, whose addresses below each of `folders` get their versions."""
    text = (STATIC_FOLDER / name).read_text(encoding="utf-8")
    for folder in folders:
        text = re.sub(rf'(?<=["}}]){folder.name}/', f"{folder.address}/", text)
    return text


def _page_response(request: Request, page: Document, policy: str) -> Response:
    return page.response(request, REVALIDATE, {"Content-Security-Policy": policy})


def _swagger_folder() -> Path:
    """Swagger UI as published, from a package of which only these files are used."""
    import fastapi_swagger  # type: ignore[import-untyped]  # noqa: PLC0415  only the documentation needs it

    return Path(fastapi_swagger.__file__).parent / "resources"


def _root_path(request: Request) -> str:
    return quote(request.scope.get("root_path", "").rstrip("/"))


def _origin(request: Request) -> str:
    """Scheme and host that the request names; empty if the host is none, so that nothing foreign enters the page."""
    host = request.url.netloc
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else ""
