"""Find the image or images in request bodies: forms, base64 in JSON, raw bytes; and the parameters beside them."""

import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from handler.api.requests import urlencoded
from handler.api.requests.base64_images import from_base64, image_of_text
from handler.api.requests.body import Body
from handler.api.requests.json_values import looks_like_json, parse_json
from handler.api.requests.multipart import FormPart, form_parts, form_type, without_preamble
from handler.api.requests.options import Options, options_in_form, options_in_json, refuse_options
from handler.errors import BadRequest, ClassifierError, MissingImage, NotAnImage, TooManyImages

FILE_FIELD: Final = "file"

_FORM_START = re.compile(rb"\s*+--")
_FORM_WITH_HEADER = re.compile(rb"\s*+--[^\r\n]{1,256}\r\ncontent-disposition:", re.IGNORECASE)


@dataclass(frozen=True)
class SentImage:
    """One image of a batch: its bytes, or the error in the way it was sent."""

    name: str | None
    content: bytes | ClassifierError


def image_in(body: Body) -> tuple[bytes, Options]:
    """The one image in `body`: a form with a field ``file``, ``{"image": "<base64>"}``, or raw bytes.

    The body decides which; only a form needs the Content-Type, which has the boundary. Raises BadRequest.
    """
    content = body.content()
    if not content:
        raise MissingImage(f"the body is empty: send an image as form field {FILE_FIELD!r}, as raw bytes or as JSON")
    parts = _parts(content, body.content_type)
    if parts is not None:
        return _image_of_form(parts), _options_of_form(parts)
    if not looks_like_json(content):
        if _FORM_WITH_HEADER.match(content):
            raise NotAnImage("the body is a multipart form, so its Content-Type should be multipart/form-data")
        return image_of_text(content), Options()
    document = parse_json(content)
    return _image_of_json(document), options_in_json(document)


def images_in(body: Body, max_images: int) -> tuple[list[SentImage], Options]:
    """The images of a batch: a form with several fields ``file``, or JSON, ``["<base64>", {"image": "<base64>"}]``.

    Raises BadRequest if there are none, or more than `max_images`. An error in one image stays with that image.
    """
    content = body.content()
    parts = _parts(content, body.content_type)
    if parts is not None:
        images, options = list(map(_sent_in_form, _file_parts(parts))), _options_of_form(parts)
    elif looks_like_json(content):
        document = parse_json(content)
        items, options = _items(document), options_in_json(document)
        _check_count(len(items), max_images)
        images = list(_sent_in_json(items))
    else:
        raise BadRequest(f"a batch is a form with several fields {FILE_FIELD!r}, or a JSON array of base64 texts")
    _check_count(len(images), max_images)
    return images, options


def _parts(content: bytes, content_type: str) -> list[FormPart] | None:
    """None if it is no form: also an image may come with a form's Content-Type."""
    media_type, boundary = form_type(content_type)
    if media_type == urlencoded.MEDIA_TYPE:
        return urlencoded.urlencoded_parts(content, FILE_FIELD)
    if media_type != b"multipart/form-data":
        return None
    form = without_preamble(content, boundary) if boundary else None
    return form_parts(form or content, boundary) if form or _FORM_START.match(content) else None


def _file_parts(parts: list[FormPart]) -> list[FormPart]:
    """All fields ``file`` but the inputs that a browser's user left empty."""
    found = [part for part in parts if part.name == FILE_FIELD]
    if not found:
        given = reprlib.repr([part.name for part in parts])
        raise MissingImage(f"the form has no field {FILE_FIELD!r}; its fields are {given}")
    return [part for part in found if part.content or part.file_name]


def _image_of_form(parts: list[FormPart]) -> bytes:
    images = _file_parts(parts)
    if len(images) > 1:
        raise BadRequest(f"the form has {len(images)} fields {FILE_FIELD!r}; several images go to /classify/batch")
    if not images or not images[0].content:
        raise MissingImage(f"the form field {FILE_FIELD!r} is empty")
    return image_of_text(images[0].content)


def _sent_in_form(part: FormPart) -> SentImage:
    try:
        return SentImage(part.file_name, image_of_text(part.content))
    except BadRequest as error:
        return SentImage(part.file_name, error)


def _options_of_form(parts: list[FormPart]) -> Options:
    return options_in_form((part.name, part.content) for part in parts)


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
            if isinstance(item, dict):
                refuse_options([item], "it is one of the whole batch, beside 'images'")
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
