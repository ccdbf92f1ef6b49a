"""A small photo, so that whoever is about to serve can be shown one first, and has loaded all that photos need."""

import io

from PIL import Image


def small_photo() -> bytes:
    """A JPEG of 48x64 pixels: a dark thing on light ground."""
    picture, file = Image.new("RGB", (48, 64), "white"), io.BytesIO()
    picture.paste((40, 60, 120), (12, 8, 36, 56))
    picture.save(file, "JPEG")
    return file.getvalue()
