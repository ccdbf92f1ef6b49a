"""How OpenAPI is told of an image, in every dialect alike."""

from typing import Any, Final

FILE: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
BASE64: Final[dict[str, Any]] = {
    "type": "string",
    "format": "image-base64",
    "description": "The image file as base64, or as a data URL with base64.",
}
FILE_AS_BODY: Final[dict[str, Any]] = {"image/*": {"schema": FILE}, "application/octet-stream": {"schema": FILE}}
