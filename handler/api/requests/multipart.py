"""Parse multipart forms (RFC 7578)."""

import binascii
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from handler.api.requests.base64_images import from_base64
from handler.errors import BadRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FORM_PARTS: Final = 100  # even an empty part costs memory and time
_MAX_BOUNDARIES: Final = 1_000  # also those that are none, since an image may have such bytes by chance

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # what is wrong with a form is in its response


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
    from python_multipart.exceptions import FormParserError  # noqa: PLC0415  as above
    from python_multipart.multipart import MultipartParser  # noqa: PLC0415

    if not boundary:
        raise BadRequest("the Content-Type of the multipart form names no boundary")
    if body.count(b"--" + boundary) > _MAX_BOUNDARIES:
        raise BadRequest(f"the form has more than {MAX_FORM_PARTS} parts")
    parts = _Parts()
    try:
        MultipartParser(boundary, parts.callbacks()).write(body)
    except FormParserError as error:
        raise BadRequest("the multipart form cannot be read: a boundary or a header is missing or malformed") from error
    if not parts.are_complete:
        raise BadRequest("the multipart form ends too early: its closing boundary is missing")
    return parts.found


class _Parts:
    """The parts of a form, collected by the callbacks of python-multipart's parser."""

    def __init__(self) -> None:
        self.found: list[FormPart] = []
        self.are_complete = False
        self._name, self._value, self._content = list[bytes](), list[bytes](), list[bytes]()
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_header_field": lambda data, start, end: self._name.append(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.append(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._content.append(data[start:end]),
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _end_header(self) -> None:
        self._headers[b"".join(self._name).lower()] = b"".join(self._value).strip()
        self._name, self._value = [], []

    def _end_part(self) -> None:
        if len(self.found) == MAX_FORM_PARTS:
            raise BadRequest(f"the form has more than {MAX_FORM_PARTS} parts")
        self.found.append(_part(self._headers, b"".join(self._content)))
        self._headers, self._content = {}, []

    def _end(self) -> None:
        self.are_complete = True


def _part(headers: Mapping[bytes, bytes], content: bytes) -> FormPart:
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415  as above

    _, options = parse_options_header(headers.get(b"content-disposition"))
    name, file_name = options.get(b"name"), options.get(b"filename")
    if name is None:
        raise BadRequest("the multipart form has a part without a Content-Disposition that names its field")
    encoding = headers.get(b"content-transfer-encoding", b"").lower()
    return FormPart(
        _text(name), None if file_name is None else _text(file_name), _decoded(content, encoding, _text(name))
    )


def _decoded(content: bytes, encoding: bytes, name: str) -> bytes:
    """Undo the Content-Transfer-Encoding (RFC 2045, section 6), which few clients still use. Raises BadRequest."""
    match encoding:
        case b"base64" if content:
            return from_base64(content.decode("latin-1"), name)
        case b"quoted-printable":
            return binascii.a2b_qp(content)
    return content


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
