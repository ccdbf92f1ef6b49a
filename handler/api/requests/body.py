"""A request goes in, the bytes of its image or images come out, in whichever form they were sent."""

import json
import re
import reprlib
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from python_multipart.multipart import parse_options_header

from handler.api.requests.base64_images import from_base64
from handler.api.requests.multipart import FormPart, form_parts
from handler.errors import BadRequest, ClassifierError, MissingImage, TooManyBytes, TooManyImages

FILE_FIELD: Final = "file"
MAX_JSON_VALUES: Final = 10_000  # a parsed value takes up to fifty times its bytes: "[]," becomes 135

_FORM_START = re.compile(rb"\s*+--")
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*+[{\[]")


@dataclass(frozen=True)
class SentImage:
    """One image of several: its bytes, or what is wrong with the way in which it was sent."""

    name: str | None
    content: bytes | ClassifierError


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
    parts = _parts(body, content_type)
    if parts is not None:
        return _image_of_form(parts)
    return _image_of_json(parse_json(body)) if looks_like_json(body) else body


def images_in(body: bytes, content_type: str, max_images: int) -> list[SentImage]:
    """The images of a batch: a form with several fields ``file``, or JSON, ``["<base64>", {"image": "<base64>"}]``.

    Raises BadRequest if there are none or more than `max_images`; what is wrong with one image stays with it.
    """
    parts = _parts(body, content_type)
    if parts is not None:
        images = [SentImage(part.file_name, part.content) for part in _file_parts(parts)]
    elif looks_like_json(body):
        items = _items(parse_json(body))
        _check_count(len(items), max_images)
        images = list(_sent_in_json(items))
    else:
        raise BadRequest(f"a batch is a form with several fields {FILE_FIELD!r}, or a JSON array of base64 texts")
    _check_count(len(images), max_images)
    return images


def looks_like_json(body: bytes) -> bool:
    """Whether `body` begins like a JSON object or array; no image format does."""
    return bool(_JSON_START.match(body))


def parse_json(body: bytes, max_values: int = MAX_JSON_VALUES) -> Any:
    """`body` as JSON, of at most about `max_values` values. Raises BadRequest."""
    if sum(map(body.count, (b",", b"[", b"{"))) > max_values:
        raise BadRequest(f"the JSON has more than {max_values:,} values, the most that is read here")
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not valid JSON: {reprlib.repr(str(error))}") from error


def _declared_bytes(request: Request) -> int:
    text = request.headers.get("content-length", "")
    # More digits are no length, but an attempt to make int() work.
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _parts(body: bytes, content_type: str) -> list[FormPart] | None:
    media_type, options = parse_options_header(content_type)
    is_form = media_type == b"multipart/form-data" and _FORM_START.match(body)
    return form_parts(body, options.get(b"boundary")) if is_form else None


def _file_parts(parts: list[FormPart]) -> list[FormPart]:
    found = [part for part in parts if part.name == FILE_FIELD]
    if not found:
        given = reprlib.repr([part.name for part in parts])
        raise MissingImage(f"the form has no field {FILE_FIELD!r}; its fields are {given}")
    return found


def _image_of_form(parts: list[FormPart]) -> bytes:
    images = _file_parts(parts)
    if len(images) > 1:
        raise BadRequest(f"the form has {len(images)} fields {FILE_FIELD!r}; several images go to /classify/batch")
    if not images[0].content:
        raise MissingImage(f"the form field {FILE_FIELD!r} is empty")
    return images[0].content


def _image_of_json(document: Any) -> bytes:
    if not (isinstance(document, dict) and isinstance(document.get("image"), str)):
        raise BadRequest('the body should be JSON like {"image": "<base64>"}')
    return from_base64(document["image"])


def _items(document: Any) -> list[Any]:
    items = document.get("images") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise BadRequest('the body should be JSON like ["<base64>", ...] or {"images": ["<base64>", ...]}')
    return items


def _sent_in_json(items: list[Any]) -> Iterator[SentImage]:
    for item in items:
        name = item.get("name") if isinstance(item, dict) else None
        image = item.get("image") if isinstance(item, dict) else item
        try:
            if not isinstance(image, str):
                raise BadRequest('an image should be "<base64>" or {"image": "<base64>", "name": "<file name>"}')
            yield SentImage(name if isinstance(name, str) else None, from_base64(image))
        except ClassifierError as error:
            yield SentImage(name if isinstance(name, str) else None, error)


def _check_count(count: int, max_images: int) -> None:
    if not count:
        raise MissingImage("the batch has no images")
    if count > max_images:
        raise TooManyImages(f"the batch has {count} images, more than the {max_images} that are classified at once")
