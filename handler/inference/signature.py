"""Signature of a classifier's ONNX file: its input, its outputs, and what its metadata say."""

from pathlib import Path
from typing import Any, Final

from handler.contract import InputFormat
from handler.errors import InvalidModel

IMAGES: Final = "images"
OUTPUTS: Final = ("probabilities", "known")
MAPS: Final = "activation_maps"  # an output that a file may lack
DOUBTFUL_BELOW: Final = "doubtful_below"  # in the metadata, if mirror images are to help


def input_format(session: Any, path: Path, preprocessing: str) -> InputFormat:
    """The input of the file at `path`, which `session` runs. Raises InvalidModel for any other than uint8 images."""
    match [(tensor.name, tensor.type, *tensor.shape) for tensor in session.get_inputs()]:
        case [("images", "tensor(uint8)", _, int(channels), int(height), int(width))] if height == width:
            return InputFormat(side=height, channels=channels, preprocessing=preprocessing)
        case found:
            raise InvalidModel(f"{path} should have one input, uint8 images (N, C, S, S), but has {found}")


def output_names(session: Any, path: Path, classes: int) -> frozenset[str]:
    """The names of the outputs. Raises InvalidModel if one is missing, or for another number of classes."""
    shapes = {tensor.name: tensor.shape for tensor in session.get_outputs()}
    if missing := [name for name in OUTPUTS if name not in shapes]:
        raise InvalidModel(f"{path} has no output {missing[0]!r}; it has {[*shapes]}")
    found = shapes["probabilities"][-1]
    if found != classes:
        raise InvalidModel(f"{path} has {found} classes, but its card has {classes} labels")
    return frozenset(shapes)


def doubtful_below(session: Any, path: Path) -> float:
    """The probability of the likeliest class below which an image is in doubt, 0 if the file has none.

    Raises InvalidModel if it is no number.
    """
    given = session.get_modelmeta().custom_metadata_map.get(DOUBTFUL_BELOW, "0")
    try:
        return float(given)
    except ValueError:
        raise InvalidModel(f"{path} should have a number as {DOUBTFUL_BELOW}, but has {given!r:.100}") from None
