"""Read request bodies, gzip included, and find the image or images in them: forms, base64 in JSON, raw bytes."""

import re
import reprlib
import zlib
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from python_multipart.multipart import parse_options_header

from handler.api.requests.base64_images import from_base64
from handler.api.requests.json_values import looks_like_json, parse_json
from handler.api.requests.multipart import FormPart, form_parts
from handler.bounded_int import bounded_int
from handler.errors import BadRequest, ClassifierError, MissingImage, TooManyBytes, TooManyImages, UnknownEncoding

FILE_FIELD: Final = "file"

_FORM_START = re.compile(rb"\s*+--")
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32  # detects either header
_MAX_DECLARED_BYTES: Final = 10**18


@dataclass(frozen=True)
class SentImage:
    """One image of a batch: its bytes, or the error in the way it was sent."""

    name: str | None
    content: bytes | ClassifierError


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body, decompressed. Raises TooManyBytes as soon as the size is known, BadRequest or UnknownEncoding."""
    return decompressed(await _received(request, max_bytes), request.headers.get("content-encoding", ""), max_bytes)


def decompressed(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo the Content-Encoding `encoding`. Raises BadRequest, TooManyBytes or UnknownEncoding."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _inflated(body, max_bytes)
        case _:
            raise UnknownEncoding("the Content-Encoding should be gzip, deflate or none")


def image_in(body: bytes, content_type: str) -> bytes:
    """The one image in `body`: a form with a field ``file``, ``{"image": "<base64>"}``, or raw bytes.

    The body decides which; only a form needs the Content-Type, which has the boundary. Raises BadRequest.
    """
    if not body:
        raise MissingImage(f"the body is empty: send an image as form field {FILE_FIELD!r}, as raw bytes or as JSON")
    parts = _parts(body, content_type)
    if parts is not None:
        return _image_of_form(parts)
    return _image_of_json(parse_json(body)) if looks_like_json(body) else body


def images_in(body: bytes, content_type: str, max_images: int) -> list[SentImage]:
    """The images of a batch: a form with several fields ``file``, or JSON, ``["<base64>", {"image": "<base64>"}]``.

    Raises BadRequest if there are none, or more than `max_images`. An error in one image stays with that image.
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


async def _received(request: Request, max_bytes: int) -> bytes:
    too_many = TooManyBytes(f"the body is larger than the maximum of {max_bytes:,} bytes")
    declared_bytes = bounded_int(request.headers.get("content-length", ""), 0, _MAX_DECLARED_BYTES)
    if declared_bytes and declared_bytes > max_bytes:
        raise too_many
    body = bytearray()
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            body += chunk
            if len(body) > max_bytes:
                raise too_many
    return bytes(body)


def _inflated(body: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        inflated = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BadRequest(f"the body is not compressed as its Content-Encoding says: {error}") from error
    if len(inflated) > max_bytes:
        raise TooManyBytes(f"the body decompresses to more than the maximum of {max_bytes:,} bytes")
    if not stream.eof or stream.unused_data:
        raise BadRequest("the compressed body does not end where its Content-Encoding says")
    return inflated


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
        name, image = (_name(item), item.get("image")) if isinstance(item, dict) else (None, item)
        try:
            if not isinstance(image, str):
                raise BadRequest('an image should be "<base64>" or {"image": "<base64>", "name": "<file name>"}')
            yield SentImage(name, from_base64(image))
        except ClassifierError as error:
            yield SentImage(name, error)


def _name(item: dict[str, Any]) -> str | None:
    """The name of an image; half a surrogate pair, which no response can carry, becomes a question mark."""
    name = item.get("name")
    return name.encode("utf-8", "replace").decode() if isinstance(name, str) else None


def _check_count(count: int, max_images: int) -> None:
    if not count:
        raise MissingImage("the batch has no images")
    if count > max_images:
        raise TooManyImages(f"the batch has {count} images, more than the maximum of {max_images}")
