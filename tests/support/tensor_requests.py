"""Requests of the Open Inference Protocol, as keyword arguments of httpx."""

import base64
import json
import struct
from typing import Any

from tests.support.images import encoded, trousers

MODEL = "/v2/models/fashion-mnist"
INFER = f"{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"

PNG = encoded(trousers())


def text(file: bytes) -> str:
    return base64.b64encode(file).decode()


def elements(*files: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(file)) + file for file in files)


def images(shape: Any = (3, 1, 28, 28), datatype: Any = "UINT8", **others: Any) -> dict[str, Any]:
    return {"name": "images", "shape": shape, "datatype": datatype, **others}


def files(shape: Any = (1,), datatype: Any = "BYTES", **others: Any) -> dict[str, Any]:
    return {"name": "encoded", "shape": shape, "datatype": datatype, **others}


ONE = files(data=[text(PNG)])


def document(given: Any = ONE, **others: Any) -> dict[str, Any]:
    return {"content": json.dumps({"inputs": [given], **others})}


def binary(given: dict[str, Any], data: bytes, length: str | None = None, **others: Any) -> dict[str, Any]:
    """A request with binary `data` after its JSON; `length` overrides the declared length of the JSON."""
    head = json.dumps({"inputs": [{"parameters": {"binary_data_size": len(data)}, **given}], **others}).encode()
    return {"content": head + data, "headers": {LENGTH: length or str(len(head))}}
