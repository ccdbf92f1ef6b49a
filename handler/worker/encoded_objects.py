"""Undo the Content-Encoding of an object, with which S3 stores and returns its bytes."""

from typing import Final

from handler.content_encoding import decompressed
from handler.errors import BadRequest, BrokenImage, NotAnImage, RejectedImage, UnknownEncoding
from handler.worker.downloads import Download

# Found as Content-Encoding, but none: how a client sent the bytes (as S3's own "aws-chunked"), not how they are stored.
_OF_TRANSFER: Final = frozenset({"aws-chunked", "base64", "binary", "7bit", "8bit", "utf-8", "none"})


def decoded_content(download: Download, max_bytes: int) -> bytes | RejectedImage:
    """The bytes of the image, or why it is rejected. Called for one object at a time: it may take `max_bytes`."""
    if isinstance(download.content, RejectedImage):
        return download.content
    codings = [coding for coding in download.encoding.split(",") if coding.strip().lower() not in _OF_TRANSFER]
    try:
        return decompressed(download.content, ",".join(codings), max_bytes)
    except UnknownEncoding as error:
        return NotAnImage(str(error))
    except BadRequest as error:
        return BrokenImage(str(error))
    except RejectedImage as error:
        return error
