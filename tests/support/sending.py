"""The ways to send an image, as keyword arguments of httpx."""

import base64
from collections.abc import Callable
from typing import Any

WAYS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "multipart": lambda image: {"files": {"file": ("photo", image)}},
    "raw": lambda image: {"content": image},
    "base64 JSON": lambda image: {"json": {"image": base64.b64encode(image).decode()}},
    "data URL JSON": lambda image: {"json": {"image": f"data:image/x;base64,{base64.b64encode(image).decode()}"}},
}
