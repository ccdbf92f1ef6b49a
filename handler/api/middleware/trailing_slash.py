"""Redirect `/labels/` to `/labels`, relative to the request: neither a foreign Host nor a proxy's path is repeated."""

from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.routing import Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashRedirect:
    """A router's default app: 307 if a route takes the path without its trailing slash, else the former default."""

    def __init__(self, router: Router) -> None:
        self._router, self._otherwise = router, router.default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = self._otherwise
        if scope["type"] == "http" and scope["path"].endswith("/") and self._is_route(scope, scope["path"][:-1]):
            answer = RedirectResponse(_address_without_slash(scope))
        await answer(scope, receive, send)

    def _is_route(self, scope: Scope, path: str) -> bool:
        other = {**scope, "path": path}
        return any(route.matches(other)[0] is not Match.NONE for route in self._router.routes)


def _address_without_slash(scope: Scope) -> str:
    """`../labels` for `/labels/`."""
    query = scope["query_string"].decode("latin-1")
    address = "../" + quote(scope["path"].split("/")[-2], safe="")
    return f"{address}?{query}" if query else address
