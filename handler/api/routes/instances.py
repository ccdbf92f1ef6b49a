"""The instances of a prediction request in, the picture file of each out: KServe's protocol, version 1.

    {"instances": ["<base64>", {"b64": "<base64>"}, {"image": {"b64": "<base64>"}, "key": "a"}, [[0, 255, ...], ...]]}

`inputs` says the same as `instances`, and `image_bytes` or `data` the same as `image`.
"""

import io
import reprlib
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from handler.api.requests.base64_images import from_base64
from handler.api.requests.body import parse_json
from handler.api.routes.open_inference.tensors import MAX_VALUES_PER_IMAGE, pixels_of_json, whole_number
from handler.contract import IMAGE_SIDE
from handler.errors import BadRequest, MissingImage, TooManyImages

_LISTS: Final = ("instances", "inputs")
_PICTURES: Final = ("image", "image_bytes", "data", "b64")
_OTHER_VALUES: Final = 1_000  # in a request's JSON, beside its images


@dataclass(frozen=True)
class Instance:
    """A picture file, and what the sender calls it."""

    image: bytes
    key: str | int | None = None


def instances_in(body: bytes, max_images: int) -> list[Instance]:
    """1 to `max_images` instances. Raises BadRequest, which names the instance that is wrong."""
    document = parse_json(body, max_images * MAX_VALUES_PER_IMAGE + _OTHER_VALUES)
    given = [name for name in _LISTS if isinstance(document, dict) and name in document]
    if len(given) != 1 or type(document[given[0]]) is not list:
        raise BadRequest('the body should be JSON like {"instances": [...]} or {"inputs": [...]}')
    (name,) = given
    count = len(document[name])
    if count == 0:
        raise MissingImage(f"{name!r} has no images")
    if count > max_images:
        raise TooManyImages(f"{name!r} has {count} images, more than the {max_images} that are classified at once")
    return [_instance(instance, f"{name}[{i}]") for i, instance in enumerate(document[name])]


def _instance(instance: Any, name: str) -> Instance:
    if not isinstance(instance, dict):
        return Instance(_image(instance, name))
    given = [picture for picture in _PICTURES if picture in instance]
    if len(given) != 1:
        raise BadRequest(f"{name!r} should have exactly one of {list(_PICTURES)}, but has {given}")
    (picture,) = given
    image = _image(instance, name) if picture == "b64" else _image(instance[picture], f"{name}.{picture}")
    return Instance(image, _key(instance, name))


def _image(value: Any, name: str) -> bytes:
    match value:
        case str() | {"b64": str()}:
            return from_base64(value if isinstance(value, str) else value["b64"], name)
        case list():
            return _image_of_numbers(value, name)
        case _:
            raise BadRequest(f'{name!r} should be a base64 text, {{"b64": "<base64>"}} or 28 rows of 28 numbers')


def _image_of_numbers(values: list[Any], name: str) -> bytes:
    """A file, since a grey one of 28x28 pixels is shown to the model as it is: so all instances go one way."""
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    if not all(isinstance(row, list) for row in rows):
        raise BadRequest(f"{name!r} should be 28 rows of 28 numbers")
    file = io.BytesIO()
    Image.fromarray(pixels_of_json(rows, (IMAGE_SIDE, IMAGE_SIDE), name)).save(file, "PNG")
    return file.getvalue()


def _key(instance: dict[str, Any], name: str) -> str | int | None:
    key = instance.get("key")
    if key is None or isinstance(key, str):
        return key
    if whole_number(key) is not None:
        return whole_number(key)
    raise BadRequest(f"the key of {name!r} should be a text or a whole number, but is {reprlib.repr(key)}")
