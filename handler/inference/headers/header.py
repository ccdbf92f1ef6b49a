"""What an image file declares of itself, read without decoding: sizes, scans, strips, memory."""

from dataclasses import dataclass
from typing import Final

CONVERSION_BYTES: Final = 0.7  # for each pixel of an image of 50 megapixels that is converted in strips


@dataclass(frozen=True)
class Header:
    """Facts from an image file's header, from which the cost of decoding it follows.

    `trusted` is True where decoding is bounded by these facts, so that no child process has to guard it:

    - PNG, GIF and uncompressed BMP: always, unless something is missing, repeated or piled up;
    - JPEG: Huffman-coded, with one frame header, and few scans for its size;
    - TIFF: up to 2 megapixels in 100,000 rows, few strips, no larger than the image, in a common compression;
    - WebP: up to 2 megapixels; if any part is lossless, up to 128 thousand, or a file of up to 24 kB,
      since each of its Huffman code groups takes up to 12 kB of memory;
    - AVIF: never, since its decoder takes the size from the coded picture, whatever the file's header says;
    - HEIF: never, since its decoder aborts the process when memory is short.
    """

    format: str  # as Pillow names it: "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"
    width: int  # pixels, before any orientation; 0 if unknown
    height: int
    scans: int = 1  # of a JPEG; passes of a PNG
    parts: int = 1  # strips or tiles of a TIFF's first directory, tiles of a HEIF or AVIF grid
    chunks: int = 0  # segments, chunks, boxes or blocks that a decoder has to walk
    bytes_per_pixel: float = 4  # upper estimate of the memory that decoding takes at its peak
    trusted: bool = True  # see above

    @property
    def pixels(self) -> int:
        return self.width * self.height
