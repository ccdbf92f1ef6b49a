"""Set ASGI's ``root_path`` from API Gateway's event: `/Prod` for a stage, `/api` for a custom domain's mapping.

API Gateway removes that prefix from the path, but the docs page, links and redirects need it:

    event                             public path   route and proxy     root_path
    REST API, stage Prod              /Prod/docs    /{proxy+}, docs     /Prod
    REST API, domain mapped at /api   /api/docs     /{proxy+}, docs     /api
    REST API under `sam local`        /{proxy+}     /{proxy+}, docs     (none)
    HTTP API, stage v1                /v1/docs      $default            /v1
    HTTP API $default, Function URL   /docs         $default            (none)
"""

from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """ASGI middleware between Mangum and the app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public_path = _public_path(scope["aws.event"])
        root_path = _root_path(public_path, _path_in_app(scope["aws.event"], public_path))
        if root_path:
            scope = {**scope, "root_path": root_path, "path": root_path + (public_path[len(root_path) :] or "/")}
        await self.app(scope, receive, send)


def _public_path(event: dict[str, Any]) -> str:
    context = event["requestContext"]
    path = unquote(context.get("http", context).get("path", ""))
    return "" if "{proxy+}" in path else path  # `sam local` puts the route there


def _path_in_app(event: dict[str, Any], public_path: str) -> str:
    route = str(event.get("resource") or event.get("routeKey", "").partition(" ")[2])
    proxy = (event.get("pathParameters") or {}).get("proxy")
    if route and (proxy is not None or "{proxy+}" not in route):  # emulators may leave the proxy out
        return unquote(route.replace("{proxy+}", proxy or ""))
    stage_path = "/" + event["requestContext"].get("stage", "")
    return public_path.removeprefix(stage_path) if f"{public_path}/".startswith(f"{stage_path}/") else public_path


def _root_path(public_path: str, path_in_app: str) -> str:
    public_path, path_in_app = public_path.rstrip("/"), path_in_app.rstrip("/")
    return public_path.removesuffix(path_in_app) if public_path.endswith(path_in_app) else ""
