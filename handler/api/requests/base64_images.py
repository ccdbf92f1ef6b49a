"""Decode images sent as text: base64, or a data URL with base64."""

import base64
from urllib.parse import unquote_to_bytes

from handler.errors import BadRequest, MissingImage

_URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def from_base64(text: str, name: str = "image") -> bytes:
    """Decode `text`; errors call it `name`. Raises BadRequest.

    As lenient as browsers are with data URLs: white space, missing padding and the URL-safe alphabet are accepted.
    """
    try:
        letters = _data_of_url(text, name) if text[:5].lower() == "data:" else text.encode("ascii")
        letters = letters.translate(_URL_SAFE_TO_STANDARD, delete=b" \t\r\n\f").rstrip(b"=")
        image = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except ValueError as error:
        raise BadRequest(f"{name!r} is not valid base64: {error}") from error
    if not image:
        raise MissingImage(f"{name!r} is empty")
    return image


def _data_of_url(url: str, name: str) -> bytes:
    description, comma, data = url.partition(",")
    if not comma:
        raise BadRequest(f"{name!r} is a data URL without a comma, so without data")
    if not description.lower().endswith(";base64"):
        raise BadRequest(f"{name!r} is a data URL without ';base64', the only supported encoding")
    return unquote_to_bytes(data)
