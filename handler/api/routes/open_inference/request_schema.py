"""Schema of an inference request of the Open Inference Protocol, for OpenAPI: what `request` reads."""

import math
from typing import Any, Final

from handler.api.routes.open_inference import tensors
from handler.inference.card import CUT_OUT

_TENSOR_NAMES: Final = ["probabilities", tensors.KNOWN.name]
_IMAGE: Final = {"type": "string", "format": "image-base64"}
_PIXEL: Final = {"type": "integer", "minimum": 0, "maximum": 255}


def inference_body(model: tensors.Tensors) -> dict[str, Any]:
    """The request body of the model's inference in OpenAPI's terms."""
    return {
        "required": True,
        "description": "JSON; or JSON followed by tensors as bytes, its length in the header "
        "Inference-Header-Content-Length; or an image file alone, that length 0 or absent. "
        "The Content-Type is ignored; the Content-Encoding may be gzip or deflate.",
        "content": {
            "application/json": {"schema": _request(model)},
            "application/octet-stream": {"schema": {"type": "string", "format": "image"}},
        },
    }


def _request(model: tensors.Tensors) -> dict[str, Any]:
    """A schema cannot require that a shape begins with the number of images; so this one is for one image."""
    outputs = [
        {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [_output(first), _output(second)]}
        for first, second in (_TENSOR_NAMES, _TENSOR_NAMES[::-1])
    ]
    return {
        "type": "object",
        "description": "One image. N images have a shape that begins with N, and N times the data.",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string", "description": "Returned in the response."},
            "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
            "inputs": _array(
                1,
                {
                    "anyOf": [
                        _input(tensors.ENCODED, "Image files as base64.", _shape(1, 1, 1), _array(1, _IMAGE)),
                        _pixels(model),
                    ]
                },
            ),
            "outputs": {
                "description": "The outputs to return, in this order; by default all.",
                "anyOf": [{"type": "array", "maxItems": 1, "items": _output(*_TENSOR_NAMES)}, *outputs],
            },
        },
    }


def _pixels(model: tensors.Tensors) -> dict[str, Any]:
    shape = (1, *model.form.shape)
    nested: dict[str, Any] = _PIXEL
    for length in reversed(shape):
        nested = _array(length, nested)
    colours = "0 black background, 255 white object" if model.form.preprocessing == CUT_OUT else "0 to 255"
    return _input(
        model.images,
        f"Pixels, {colours}: flat, or nested by their shape.",
        _shape(len(shape), *shape),
        {"anyOf": [_array(math.prod(shape), _PIXEL), nested]},
    )


def _array(length: int, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": length, "maxItems": length, "items": items}


def _shape(at_least: int, *lengths: int) -> dict[str, Any]:
    """A shape of `at_least` of these lengths: generators of clients refuse an `enum` of arrays."""
    items = [{"type": "integer", "const": length} for length in lengths]
    return {"type": "array", "minItems": at_least, "maxItems": len(items), "prefixItems": items}


def _input(tensor: tensors.Tensor, description: str, shape: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"type": "string", "const": tensor.name},
            "datatype": {"type": "string", "const": tensor.datatype},
            "shape": shape,
            "parameters": {"type": "object", "properties": {"content_type": {"type": "string"}}},
            "data": data,
        },
    }


def _output(*names: str) -> dict[str, Any]:
    parameters = {
        "binary_data": {"type": "boolean", "description": "Whether to return it as bytes after the JSON."},
        "classification": {"type": "integer", "minimum": 0, "description": "How many of its highest values to return."},
    }
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(names)},
            "parameters": {"type": "object", "properties": parameters},
        },
    }
