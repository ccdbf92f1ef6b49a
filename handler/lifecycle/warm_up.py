"""A small image for the warm-up: classifying it loads everything that the first request needs."""

import io

from PIL import Image


def small_image() -> bytes:
    """A JPEG of 48x64 pixels: a dark rectangle on a white background."""
    image, file = Image.new("RGB", (48, 64), "white"), io.BytesIO()
    image.paste((40, 60, 120), (12, 8, 36, 56))
    image.save(file, "JPEG")
    return file.getvalue()
