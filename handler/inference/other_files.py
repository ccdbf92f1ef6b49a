"""Name what is sent in place of an image, by its first bytes: an address, a form, a compressed or foreign file."""

import re
from typing import Final

_LOOKED_AT: Final = 1024  # bytes
_DECODED_AS_TEXT: Final = (b"\xef\xbf\xbd", b"\xc2\x89PNG", b"\xc3\xbf\xc3\x98")  # PNG, JPEG: by UTF-8 or Latin-1
_STARTS: Final = {
    _DECODED_AS_TEXT: "its bytes were decoded as text, as a gateway without binary media types does",
    (b"\x1f\x8b",): "it is compressed by gzip, which its Content-Encoding should say",
    (b"PK\x03\x04",): "it is a ZIP archive or an office document",
    (b"%PDF-",): "it is a PDF document",
    (b"8BPS",): "it is a Photoshop document",
    (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"): "it is JPEG XL",
    (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"): "it is JPEG 2000",
}
_PATTERNS: Final = {
    re.compile(rb"\s*+(?:https?|s3|gs|file|blob):", re.IGNORECASE): "it is an address, not the image itself",
    re.compile(rb"\s*+--[^\r\n]{1,256}\r?\ncontent-", re.IGNORECASE): "it is a multipart form, not the file in it",
    re.compile(rb"\s*+(?:<\?xml[^>]{0,256}>\s*+)?<svg", re.IGNORECASE): "it is SVG",
    re.compile(rb"\s*+<(?:!doctype html|html)", re.IGNORECASE): "it is a web page",
    re.compile(rb".{4}ftyp(?:isom|iso\d|mp4\d|M4V |qt  |avc1)", re.DOTALL): "it is a video",
}


def kind_of(data: bytes) -> str | None:
    """Half a sentence; None if it is nothing that is often sent."""
    by_start = (hint for starts, hint in _STARTS.items() if data.startswith(starts))
    by_pattern = (hint for pattern, hint in _PATTERNS.items() if pattern.match(data, 0, _LOOKED_AT))
    return next(by_start, None) or next(by_pattern, None)
