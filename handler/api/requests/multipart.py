"""Parse multipart forms."""

import re
from dataclasses import dataclass
from io import BufferedRandom, BytesIO
from typing import Final

from handler.errors import BadRequest

MAX_FORM_PARTS: Final = 100  # even an empty part costs memory and time
_MAX_BOUNDARIES: Final = 1_000  # also those that are none, since an image may have such bytes by chance


@dataclass(frozen=True)
class FormPart:
    """One part: ``curl -F 'file=@photo.jpg'`` gives it a file name, ``curl -F 'file=<photo.jpg'`` does not."""

    name: str
    file_name: str | None
    content: bytes


def form_type(content_type: str) -> tuple[bytes, bytes | None]:
    """The media type and the boundary in the Content-Type of a form; an empty media type for anything else."""
    if "form" not in content_type.lower():
        return b"", None
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415  few requests are forms

    media_type, options = parse_options_header(content_type)
    return media_type, options.get(b"boundary")


def without_preamble(body: bytes, boundary: bytes) -> bytes | None:
    """`body` from its first boundary on (RFC 2046, 5.1.1: what is before it is ignored); None if it has none."""
    found = re.search(rb"^--" + re.escape(boundary), body, re.MULTILINE)
    return body[found.start() :] if found else None


def form_parts(body: bytes, boundary: bytes | None) -> list[FormPart]:
    """Parse a complete multipart `body`. Raises BadRequest."""
    from python_multipart import FormParser  # noqa: PLC0415  as above
    from python_multipart.exceptions import FormParserError  # noqa: PLC0415

    if boundary and body.count(b"--" + boundary) > _MAX_BOUNDARIES:
        raise BadRequest(f"the form has more than {MAX_FORM_PARTS} parts")
    parts: list[FormPart] = []
    ends: list[bool] = []

    def add(name: bytes | None, file_name: bytes | None, content: bytes) -> None:
        if len(parts) == MAX_FORM_PARTS:
            raise BadRequest(f"the form has more than {MAX_FORM_PARTS} parts")
        parts.append(FormPart(_text(name or b""), None if file_name is None else _text(file_name), content))

    try:
        FormParser(
            "multipart/form-data",
            on_field=lambda field: add(field.field_name, None, field.value or b""),
            on_file=lambda file: add(file.field_name, file.file_name, _content(file.file_object)),
            on_end=lambda: ends.append(True),
            boundary=boundary,
            config={"MAX_MEMORY_FILE_SIZE": len(body)},
        ).write(body)
    except FormParserError as error:
        raise BadRequest("the multipart form cannot be read: a boundary or a header is missing or malformed") from error
    if not ends:
        raise BadRequest("the multipart form ends too early: its closing boundary is missing")
    return parts


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _content(file: BytesIO | BufferedRandom) -> bytes:
    file.seek(0)
    return file.read()
