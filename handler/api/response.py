"""Responses as the API makes them itself: the body is encoded already, and no web framework is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from starlette.types import Send

JSON: Final = "application/json"


@dataclass(frozen=True)
class ApiResponse:
    """A complete response; names of `headers` in any case, values in Latin-1."""

    content: bytes
    media_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    async def send(self, send: Send) -> None:
        """Send it as ASGI messages."""
        headers = [
            (b"content-length", b"%d" % len(self.content)),
            (b"content-type", self.media_type.encode("latin-1")),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content})
