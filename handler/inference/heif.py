"""Decode HEIC and other HEIF images, which iPhones take, with pi-heif (libheif and libde265)."""

from PIL import Image


def open_heif(data: bytes) -> Image.Image:
    """The primary image of a HEIF file, decoded, in mode L, LA, RGB, RGBA, RGBa or I;16 (grey of more than 8 bits).

    It is upright: libheif applies the file's rotation and mirroring (irot, imir; ISO/IEC 23008-12), and the EXIF
    orientation, which repeats them, is reset to 1. Colours of 10 or 12 bits are reduced to 8.
    Raises what pi-heif raises for files it cannot decode: ValueError, EOFError, SyntaxError, RuntimeError or OSError;
    MemoryError where memory is short, if it notices: libde265 may abort the process, or give no image (ValueError).
    """
    import pi_heif  # noqa: PLC0415  takes 30 ms, and is rarely needed

    pi_heif.options.DECODE_THREADS = 1  # each thread would reserve memory of its own
    try:
        file = pi_heif.open_heif(data)
        image: Image.Image = file[file.primary_index].to_pillow()
    except RuntimeError as error:
        if "Allocating" in str(error):
            raise MemoryError from error
        raise
    return image
