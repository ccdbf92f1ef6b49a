"""Images that the benchmarks send."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

from handler.inference.pipeline import prepare

PHOTO_PATH: Final = Path(__file__).parent.parent / "handler" / "static" / "samples" / "t-shirt.jpg"


def photo() -> bytes:
    """Return a JPEG photo of a T-shirt, 480x560 pixels."""
    return PHOTO_PATH.read_bytes()


def small_png() -> bytes:
    """Return the same T-shirt in the dataset's format: 28x28 greyscale, bright on black."""
    data, file = photo(), io.BytesIO()
    Image.fromarray(prepare(data, max_pixels=10**6).views[0, 0]).save(file, "PNG")
    return file.getvalue()
