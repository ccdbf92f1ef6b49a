"""Documents: pages and static files with an ETag and a gzip copy, sent as the request's headers ask for."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request, Response

REVALIDATE: Final = "no-cache"  # browsers keep it, and ask by its ETag whether it is still current
FOREVER: Final = "public, max-age=31536000, immutable"  # for addresses that change with their content

_GZIP_ONLY_BYTES: Final = 100_000  # nothing larger is sent as it is: every byte of traffic costs
_COMPRESSION_LEVEL: Final = 6  # 9 takes three times as long, and saves 1 %
_CODING: Final = re.compile(r"\s*(gzip|x-gzip|\*)\s*(?:;\s*q=(0(?:\.0{0,3})?|[01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """Bytes of a media type; at least one of `plain` and `gzipped` is there."""

    media_type: str
    etag: str
    plain: bytes | None
    gzipped: bytes | None

    @classmethod
    def of(cls, content: bytes, media_type: str, *, compress: bool = True) -> "Document":
        """A document of `content`, which images do without `compress`."""
        gzipped = gzip.compress(content, _COMPRESSION_LEVEL, mtime=0) if compress else None
        return cls._of(content, gzipped, media_type)

    @classmethod
    def of_gzip(cls, gzipped: bytes, media_type: str) -> "Document":
        """A document from its gzip copy, as in the Lambda package."""
        return cls._of(gzip.decompress(gzipped), gzipped, media_type)

    @classmethod
    def _of(cls, content: bytes, gzipped: bytes | None, media_type: str) -> "Document":
        # Weak (W/), since both forms have the same one.
        etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
        is_large = gzipped is not None and len(content) > _GZIP_ONLY_BYTES
        return cls(media_type, etag, None if is_large else content, gzipped)

    def response(self, request: Request, cache_control: str, headers: dict[str, str] | None = None) -> Response:
        """The document, or 304 if the client has it. Raises HTTPException 406 if it exists in gzip only."""
        headers = {"Cache-Control": cache_control, "ETag": self.etag, **(headers or {})}
        if self.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
        if self._is_known(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if self.gzipped is None or not self._gzip_is_accepted(request.headers.get("accept-encoding")):
            return Response(self._plain(), headers=headers, media_type=self.media_type)
        return Response(self.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=self.media_type)

    def _is_known(self, if_none_match: str) -> bool:
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in tags or self.etag.removeprefix("W/") in tags

    def _gzip_is_accepted(self, accept_encoding: str | None) -> bool:
        if accept_encoding is None:  # then any coding will do (RFC 9110, section 12.5.3)
            return self.plain is None
        qualities = {
            found[1].lower(): float(found[2] or 1)
            for found in map(_CODING.fullmatch, accept_encoding.split(","))
            if found
        }
        return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0))) > 0

    def _plain(self) -> bytes:
        if self.plain is None:
            raise HTTPException(406, "this file is sent in gzip only; accept that by the header Accept-Encoding")
        return self.plain
