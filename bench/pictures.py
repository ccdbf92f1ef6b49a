"""The pictures that the benchmarks send."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

from handler.inference.decoding import views_of

PHOTO_PATH: Final = Path(__file__).parent.parent / "handler" / "static" / "samples" / "t-shirt.jpg"


def photo() -> bytes:
    """A JPEG of a T-shirt, of 480x560 pixels."""
    return PHOTO_PATH.read_bytes()


def small_png() -> bytes:
    """The same T-shirt as the dataset has its images: 28x28 grey pixels, bright on black."""
    data, file = photo(), io.BytesIO()
    Image.fromarray(views_of(data, max_pixels=10**6)[0, 0]).save(file, "PNG")
    return file.getvalue()
