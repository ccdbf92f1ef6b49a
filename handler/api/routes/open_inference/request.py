"""Parse inference requests: the images, and the requested outputs.

A request has exactly one of the inputs of `tensors`, as JSON or as bytes after it; it need not be one that the model's
metadata lists. Other members of the protocol (model name, priority, timeout) are ignored.

An image file may also be the whole body. So may the pixels of one image, if the header says that the JSON has length 0;
bytes that begin like an image file are taken for one.
"""

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from handler.api.requests.base64_images import from_base64
from handler.api.requests.json_values import max_values, parse_json, pixels_of_json, whole_number
from handler.api.requests.options import refuse_options
from handler.api.routes.open_inference.binary import (
    LENGTH_HEADER,
    encoded_of_binary,
    files_of_binary,
    pixels_of_binary,
    split_body,
)
from handler.api.routes.open_inference.models import ServedModel
from handler.api.routes.open_inference.tensors import (
    ENCODED,
    Tensor,
    Tensors,
    checked_shape,
    encoded_of_json,
)
from handler.contract import Pixels
from handler.errors import BadRequest, MissingImage
from handler.inference.decoding import format_of

INSTEAD_OF_TOP_K: Final = "an output has the parameter 'classification'"
_KINDS: Final = {dict: "an object", list: "an array", str: "a text", bool: "true or false", int: "a whole number"}


@dataclass(frozen=True)
class RequestedOutput:
    """One tensor of the response; with `classes`, only that many of its highest values, as texts."""

    tensor: Tensor
    binary: bool
    classes: int = 0


@dataclass(frozen=True)
class InferenceRequest:
    """Pixels (N, C, S, S) or N image files, the name of their input, and the requested outputs."""

    images: Pixels | tuple[bytes, ...]
    outputs: tuple[RequestedOutput, ...]
    input: str = ENCODED.name
    id: str | None = None


def inference_request(body: bytes, json_length: str | None, max_images: int, model: ServedModel) -> InferenceRequest:
    """`json_length` is the request's LENGTH_HEADER, if it has one; the model's outputs are the default.

    Raises BadRequest.
    """
    head, binary = split_body(body, json_length)
    if json_length is None and format_of(body):
        return InferenceRequest((body,), _all(model.outputs, binary=False))
    if json_length is not None and not head:
        return _raw_request(binary, model)
    document = parse_json(head, max_values(max_images, model.tensors.form))
    if type(document) is not dict:
        raise BadRequest('the body should be JSON like {"inputs": [...]}')
    refuse_options([document, *_objects(document, "inputs"), *_objects(document, "outputs", [])], INSTEAD_OF_TOP_K)
    request_id = _member(document, "id", str, "")
    requested = _outputs(document, model)
    tensor, images = _images(document, binary, max_images, model.tensors)
    return InferenceRequest(images, requested, tensor.name, request_id or None)


def _raw_request(body: bytes, model: ServedModel) -> InferenceRequest:
    if not body:
        raise MissingImage("the body is empty")
    shape = model.tensors.form.shape
    is_file = format_of(body) is not None or len(body) != math.prod(shape)
    images = (body,) if is_file else pixels_of_binary(body, (1, *shape), model.tensors.images)
    return InferenceRequest(images, _all(model.outputs, binary=True))


def _images(
    document: dict[str, Any], binary: bytes, max_images: int, tensors: Tensors
) -> tuple[Tensor, Pixels | tuple[bytes, ...]]:
    inputs = _objects(document, "inputs")
    names = [tensor.name for tensor in tensors.inputs]
    if len(inputs) != 1:
        raise BadRequest(f"'inputs' should have exactly one of {names}, but has {len(inputs)} inputs")
    given = inputs[0]
    tensor = _named(given, tensors.inputs)
    if _member(given, "datatype", str) != tensor.datatype:
        raise BadRequest(f"{tensor.name!r} should be {tensor.datatype}, but is {reprlib.repr(given['datatype'])}")
    shape = checked_shape(tensor, _member(given, "shape", list), max_images)
    parameters = _parameters(given)
    _member(parameters, "content_type", str, "")
    is_binary = _is_binary(given, parameters, binary)
    if tensor is ENCODED:
        return tensor, _files(given, parameters, shape, binary if is_binary else None)
    if is_binary:
        return tensor, (pixels_of_binary if tensor is tensors.images else files_of_binary)(binary, shape, tensor)
    if tensor is tensors.rgb:  # as JSON, a batch of these would take gigabytes
        raise BadRequest(f"{tensor.name!r} should be bytes after the JSON, with a 'binary_data_size', but is JSON")
    return tensor, pixels_of_json(_member(given, "data", list), shape, tensor.name)


def _files(
    given: dict[str, Any], parameters: dict[str, Any], shape: tuple[int, ...], binary: bytes | None
) -> tuple[bytes, ...]:
    if binary is None:
        return encoded_of_json(_member(given, "data", list), shape)
    files = encoded_of_binary(binary, shape)
    if parameters.get("content_type") != "base64":
        return files
    return tuple(from_base64(text.decode("latin-1"), f"{ENCODED.name}[{i}]") for i, text in enumerate(files))


def _is_binary(given: dict[str, Any], parameters: dict[str, Any], binary: bytes) -> bool:
    if "data" in given and "binary_data_size" in parameters:
        raise BadRequest("an input has either 'data' or a 'binary_data_size'")
    size = _member(parameters, "binary_data_size", int, 0)
    if size != len(binary):
        raise BadRequest(
            f"{len(binary)} bytes follow the JSON, but 'binary_data_size' is {size}; check {LENGTH_HEADER}"
        )
    return "binary_data_size" in parameters


def _outputs(document: dict[str, Any], model: ServedModel) -> tuple[RequestedOutput, ...]:
    binary = _member(_member(document, "parameters", dict, {}), "binary_data_output", bool, False)
    given = _objects(document, "outputs", [])
    outputs = tuple(_output(output, binary, model.tensors) for output in given)
    if len({output.tensor for output in outputs}) < len(outputs):
        raise BadRequest("'outputs' names an output more than once")
    return outputs or _all(model.outputs, binary)


def _all(tensors: Sequence[Tensor], binary: bool) -> tuple[RequestedOutput, ...]:
    return tuple(RequestedOutput(tensor, binary) for tensor in tensors)


def _output(given: dict[str, Any], binary: bool, tensors: Tensors) -> RequestedOutput:
    parameters = _parameters(given)
    classes = _member(parameters, "classification", int, 0)
    if classes < 0:
        raise BadRequest(f"'classification' should be the number of classes to return, but is {reprlib.repr(classes)}")
    return RequestedOutput(_named(given, tensors.outputs), _member(parameters, "binary_data", bool, binary), classes)


def _parameters(tensor: dict[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = _member(tensor, "parameters", dict, {})
    if "shared_memory_region" in parameters:
        raise BadRequest("there is no shared memory with this server: tensors are part of the request and the response")
    return parameters


def _named(given: dict[str, Any], tensors: tuple[Tensor, ...]) -> Tensor:
    name = _member(given, "name", str)
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    raise BadRequest(f"no tensor {reprlib.repr(name)}; there are {[tensor.name for tensor in tensors]}")


def _objects(document: dict[str, Any], name: str, default: Any = None) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = _member(document, name, list, default)
    if any(type(item) is not dict for item in objects):
        raise BadRequest(f"{name!r} should be an array of objects")
    return objects


def _member(document: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """`document[name]`, of exactly that kind (True is no number); required unless it has a default."""
    value = document.get(name, default)
    if kind is int and whole_number(value) is not None:
        return whole_number(value)
    if type(value) is not kind:
        given = f"is {reprlib.repr(value)}" if name in document else "is missing"
        raise BadRequest(f"{name!r} should be {_KINDS[kind]}, but {given}")
    return value
