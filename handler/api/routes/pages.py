"""Routes `/` (the page), `/docs` (Swagger UI) and their static files; nothing is loaded from other hosts."""

from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

STATIC_FOLDER: Final = Path(__file__).parents[2] / "static"

# Browsers may load nothing from elsewhere.
_OWN: Final = (
    "default-src 'none'; img-src 'self' blob: data:; base-uri 'self'; form-action 'none'; frame-ancestors 'self';"
    " connect-src 'self'"
)
_SWAGGER_POLICY: Final = f"{_OWN}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"


def page_policy(upload_origin: str | None) -> str:
    """The page's Content-Security-Policy; large images are posted to `upload_origin`."""
    return f"{_OWN} {upload_origin or ''}; script-src 'self'; style-src 'self'"


def add_pages(app: FastAPI, upload_origin: str | None) -> None:
    """Add `/`, `/docs` and the files that they load to `app`; their addresses follow a stage or proxy path."""
    index = (STATIC_FOLDER / "index.html").read_text(encoding="utf-8")
    policy = page_policy(upload_origin)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    # Only the files of this package are used: Swagger UI as published.
    app.mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")]), name="swagger")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        root_path = _root_path(request)
        # Relative, since a proxy may remove a prefix that the app does not know.
        base = f"{root_path}/" if root_path else "./"
        return HTMLResponse(index.replace("{{base}}", base), headers={"Content-Security-Policy": policy})

    @app.get("/docs", include_in_schema=False)
    async def documentation(request: Request) -> HTMLResponse:
        root_path = _root_path(request)
        html = get_swagger_ui_html(
            openapi_url=f"{root_path}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root_path}/swagger/swagger-ui-bundle.js",
            swagger_css_url=f"{root_path}/swagger/swagger-ui.css",
            swagger_favicon_url=f"{root_path}/swagger/favicon-32x32.png",
        )
        html.headers["Content-Security-Policy"] = _SWAGGER_POLICY
        return html


def _root_path(request: Request) -> str:
    return quote(request.scope.get("root_path", "").rstrip("/"))
