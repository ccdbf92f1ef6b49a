"""A request goes in, the bytes of its image come out, in whichever of three forms they were sent."""

import base64
import re
import reprlib
from contextlib import aclosing
from io import BufferedRandom, BytesIO
from typing import Annotated, Any, Final
from urllib.parse import unquote_to_bytes

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from handler.errors import BadRequest, MissingImage, TooManyBytes

FILE_FIELD: Final = "file"
MAX_FORM_PARTS: Final = 100  # each costs objects and time, however small it is
MAX_JSON_VALUES: Final = 10_000  # a parsed value takes up to fifty times its bytes: "[]," becomes 135

_FORM_START = re.compile(rb"\s*+--")
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*+[{\[]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class JsonImage(BaseModel):
    """An image as text."""

    image: Annotated[str, Field(description="The image file as base64, or as a data URL with base64.")]


# As OpenAPI has it: what `image_in` reads.
REQUEST_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "One image. Its own first bytes say what it is; a Content-Type is needed for multipart alone.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FILE_FIELD],
                "properties": {FILE_FIELD: {"type": "string", "format": "binary"}},
            }
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": JsonImage.model_json_schema()},
    },
}


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body. Raises TooManyBytes as soon as it is known: by Content-Length, else while it streams in."""
    too_many = TooManyBytes(f"the body is larger than {max_bytes:,} bytes, the most that is accepted here")
    if _declared_bytes(request) > max_bytes:
        raise too_many
    body = bytearray()
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            body += chunk
            if len(body) > max_bytes:
                raise too_many
    return bytes(body)


def image_in(body: bytes, content_type: str) -> bytes:
    """The bytes of the one image in `body`: a form with a field ``file``, ``{"image": "<base64>"}``, or raw bytes.

    The body itself decides; only a form needs its header, which holds the boundary. Raises BadRequest.
    """
    if not body:
        raise MissingImage(f"the body is empty: send an image as form field {FILE_FIELD!r}, as raw bytes or as JSON")
    media_type, options = parse_options_header(content_type)
    if media_type == b"multipart/form-data" and _FORM_START.match(body):
        return _image_in_form(_form_parts(body, options.get(b"boundary")))
    if _JSON_START.match(body):
        return _from_base64(_image_in_json(body))
    return body


def _declared_bytes(request: Request) -> int:
    text = request.headers.get("content-length", "")
    # More digits are no length, but an attempt to make int() work.
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _form_parts(body: bytes, boundary: bytes | None) -> list[tuple[str, bytes]]:
    """Name and content of each part, with a file name or without: ``curl -F 'file=<photo.jpg'`` sends none."""
    parts: list[tuple[str, bytes]] = []
    ends: list[bool] = []

    def add(name: bytes | None, content: bytes) -> None:
        if len(parts) == MAX_FORM_PARTS:
            raise BadRequest(f"the form has more than {MAX_FORM_PARTS} parts")
        parts.append(((name or b"").decode("utf-8", "replace"), content))

    try:
        FormParser(
            "multipart/form-data",
            on_field=lambda field: add(field.field_name, field.value or b""),
            on_file=lambda file: add(file.field_name, _content(file.file_object)),
            on_end=lambda: ends.append(True),
            boundary=boundary,
            config={"MAX_MEMORY_FILE_SIZE": len(body)},
        ).write(body)
    except FormParserError as error:
        raise BadRequest(f"the multipart form cannot be read: {reprlib.repr(str(error))}") from error
    if not ends:
        raise BadRequest("the multipart form ends too early: its closing boundary is missing")
    return parts


def _content(file: BytesIO | BufferedRandom) -> bytes:
    file.seek(0)
    return file.read()


def _image_in_form(parts: list[tuple[str, bytes]]) -> bytes:
    images = [content for name, content in parts if name == FILE_FIELD]
    if not images:
        given = reprlib.repr([name for name, _ in parts])
        raise MissingImage(f"the form has no field {FILE_FIELD!r}; its fields are {given}")
    if len(images) > 1:
        raise BadRequest(f"the form has {len(images)} fields {FILE_FIELD!r}; send one image at a time")
    if not images[0]:
        raise MissingImage(f"the form field {FILE_FIELD!r} is empty")
    return images[0]


def _image_in_json(body: bytes) -> str:
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise BadRequest(f"the JSON has more than {MAX_JSON_VALUES:,} values, but only one image is expected")
    try:
        return JsonImage.model_validate_json(body.removeprefix(_BYTE_ORDER_MARK)).image
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False, include_context=False, include_input=False)
        where = "".join(f"{name!r}: " for name in first["loc"])
        raise BadRequest(f'the body should be JSON like {{"image": "<base64>"}}: {where}{first["msg"]}') from error


def _from_base64(text: str) -> bytes:
    """Forgiving, as the data URLs of browsers are: white space, missing padding and the URL-safe letters will do."""
    try:
        letters = _data_of_url(text) if text[:5].lower() == "data:" else text.encode("ascii")
        letters = letters.translate(_URL_SAFE_TO_STANDARD, delete=b" \t\r\n\f").rstrip(b"=")
        image = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except ValueError as error:
        raise BadRequest(f"'image' is not valid base64: {error}") from error
    if not image:
        raise MissingImage("'image' is empty")
    return image


def _data_of_url(url: str) -> bytes:
    description, comma, data = url.partition(",")
    if not comma:
        raise BadRequest("'image' is a data URL without a comma, so without data")
    if not description.lower().endswith(";base64"):
        raise BadRequest("'image' is a data URL without ';base64', the only encoding that is read here")
    return unquote_to_bytes(data)
