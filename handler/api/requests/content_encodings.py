"""A body as it was compressed for the way in, the body itself out; what it grows to is bounded, too."""

import zlib
from typing import Final

from handler.errors import BadRequest, TooManyBytes, UnknownEncoding

_EITHER_HEADER: Final = zlib.MAX_WBITS | 32  # zlib's or gzip's, whichever is there


def decoded_body(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """`body` without its Content-Encoding: gzip, deflate or none. Raises BadRequest or TooManyBytes."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _decompressed(body, max_bytes)
        case _:
            raise UnknownEncoding("the Content-Encoding should be gzip, deflate or none")


def _decompressed(body: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(_EITHER_HEADER)
    try:
        decompressed = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BadRequest(f"the body is not compressed as its Content-Encoding says: {error}") from error
    if len(decompressed) > max_bytes:
        raise TooManyBytes(f"the body decompresses to more than {max_bytes:,} bytes, the most that is accepted here")
    if not stream.eof or stream.unused_data:
        raise BadRequest("the compressed body does not end where its Content-Encoding says")
    return decompressed
