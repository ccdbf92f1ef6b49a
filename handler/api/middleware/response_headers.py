"""Response headers for security and caching on every response, and HEAD wherever GET is.

A route may set its own Cache-Control and Content-Security-Policy; other responses are not stored, and load nothing.
Sources: OWASP's REST Security Cheat Sheet and HTTP Headers Cheat Sheet; RFC 9110, section 9.3.2 (HEAD).
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

ALWAYS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know frame-ancestors
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), geolocation=(), microphone=(), payment=(), usb=()"),
    # Other origins use the API by CORS, which this does not stop; they cannot embed what it returns.
    (b"cross-origin-resource-policy", b"same-origin"),
)
DEFAULTS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# Without includeSubDomains: API Gateway's domain is shared.
_HTTPS_ONLY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")


class ResponseHeaders:
    """ASGI middleware around all that makes responses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head, is_https = scope["method"] == "HEAD", scope["scheme"] == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", []), message["status"], is_https)
            elif is_head:
                message["body"] = b""
            await send(message)

        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send_with_headers)


def _completed(headers: list[Header], status: int, is_https: bool) -> list[Header]:
    given = {name for name, _ in headers}
    added = [*ALWAYS, *(default for default in DEFAULTS if default[0] not in given)]
    if is_https:
        added.append(_HTTPS_ONLY)
    return [*(map(_with_head, headers) if status == 405 else headers), *added]


def _with_head(header: Header) -> Header:
    return (b"allow", b"GET, HEAD") if header == (b"allow", b"GET") else header
