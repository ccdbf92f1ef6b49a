"""Parse urlencoded forms, as `curl -d file=...` and pages without a file input send them: images are base64 there.

A plus sign stays one: it belongs to base64, and few who type such a form escape it as %2B.
"""

import re
from typing import Final

from handler.api.requests.base64_images import from_base64, percent_decoded
from handler.api.requests.multipart import MAX_FORM_PARTS, FormPart
from handler.errors import BadRequest

MEDIA_TYPE: Final = b"application/x-www-form-urlencoded"
_FORM_START: Final = re.compile(rb"[A-Za-z_][\w.-]{0,63}=(?![=\s])")


def urlencoded_parts(body: bytes, file_field: str) -> list[FormPart] | None:
    """The fields, those of the name `file_field` decoded from base64; None if it is no form. Raises BadRequest.

    It may be none, since curl sends any body with this Content-Type, an image file as well.
    """
    if not _FORM_START.match(body):
        return None
    fields = body.split(b"&", MAX_FORM_PARTS)
    if len(fields) > MAX_FORM_PARTS:
        raise BadRequest(f"the form has more than {MAX_FORM_PARTS} fields")
    return [_part(field, file_field) for field in fields]


def _part(field: bytes, file_field: str) -> FormPart:
    name, _, value = field.partition(b"=")
    text, content = name.decode("utf-8", "replace"), percent_decoded(value)
    is_image = text == file_field and content.strip()
    return FormPart(text, None, from_base64(content.decode("latin-1"), text) if is_image else content)
