"""Tensors of the Open Inference Protocol: the model's inputs and outputs, and their JSON form.

    name            datatype   shape             meaning
    images          UINT8      [N, C, S, S]      pixels as the model takes them; cut out: 0 black background, 255 white
    encoded         BYTES      [N] or [N, 1]     image files; base64 in JSON
    rgb             UINT8      [N, W, W, 3]      whole images in colour, squeezed to a square; only as bytes
    probabilities   FP32       [N, K]
    known           FP32       [N]               confidence that the image shows one of the classes

C channels, the side S and K classes are the model card's; W is 160 where images are cut out, else S.
In JSON a tensor's data is nested by its shape, or flat in row-major order.
"""

import reprlib
from dataclasses import dataclass
from typing import Any, Final

from handler.api.requests.base64_images import from_base64
from handler.api.requests.json_values import flattened, whole_number
from handler.contract import COLOUR_SIDE, InputFormat
from handler.errors import BadRequest, MissingImage, TooManyImages
from handler.inference.card import RESIZE


@dataclass(frozen=True)
class Tensor:
    """Metadata of an input or output; -1 in its shape stands for the number of images."""

    name: str
    datatype: str
    shape: tuple[int, ...]


ENCODED: Final = Tensor("encoded", "BYTES", (-1,))
KNOWN: Final = Tensor("known", "FP32", (-1,))


@dataclass(frozen=True)
class Tensors:
    """All inputs and outputs of a model whose pixels have the form `form`."""

    form: InputFormat
    images: Tensor
    rgb: Tensor
    probabilities: Tensor

    @classmethod
    def of(cls, form: InputFormat, classes: int) -> "Tensors":
        """Those of a model of so many `classes`."""
        side = form.side if form.preprocessing == RESIZE else COLOUR_SIDE
        return cls(
            form,
            images=Tensor("images", "UINT8", (-1, *form.shape)),
            rgb=Tensor("rgb", "UINT8", (-1, side, side, 3)),
            probabilities=Tensor("probabilities", "FP32", (-1, classes)),
        )

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.images, ENCODED, self.rgb

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return self.probabilities, KNOWN


def checked_shape(tensor: Tensor, shape: list[Any], max_images: int) -> tuple[int, ...]:
    """`shape` as an input `tensor` may have it, with 1 to `max_images` images. Raises BadRequest."""
    count, *given = map(whole_number, shape) if shape else (None,)
    allowed = (tensor.shape[1:], (1,)) if tensor is ENCODED else (tensor.shape[1:],)
    others = next((others for others in allowed if [*others] == given), None)
    if count is None or count < 0 or others is None:
        raise BadRequest(f"the shape of {tensor.name!r} should be {_shape_text(tensor)}, but is {reprlib.repr(shape)}")
    if count == 0:
        raise MissingImage(f"{tensor.name!r} has no images")
    if count > max_images:
        raise TooManyImages(f"{tensor.name!r} has more than the maximum of {max_images} images")
    return (count, *others)


def encoded_of_json(values: list[Any], shape: tuple[int, ...]) -> tuple[bytes, ...]:
    """Decode base64 texts, flat or nested. Raises BadRequest."""
    return tuple(_from_base64(text, f"encoded[{i}]") for i, text in enumerate(flattened(values, shape, ENCODED.name)))


def _from_base64(text: Any, name: str) -> bytes:
    if type(text) is not str:
        raise BadRequest(f"{name!r} should be a base64 text, but is {reprlib.repr(text)}")
    return from_base64(text, name)


def _shape_text(tensor: Tensor) -> str:
    shape = f"[{', '.join(['N', *map(str, tensor.shape[1:])])}]"
    return f"{shape} or [N, 1]" if tensor is ENCODED else shape
