"""Detect AVIF and HEIF files by the brands in their file type box (ISO/IEC 14496-12, 4.3)."""

from typing import Final

_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_HEIF_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
_MAX_BRANDS: Final = 64


def format_by_brands(data: bytes) -> str | None:
    """Name the format, AVIF or HEIF, by the brands in the file type box; None if the file has none of theirs."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 8 + 4 * _MAX_BRANDS, len(data))
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}
    return "AVIF" if brands & _AVIF_BRANDS else "HEIF" if brands & _HEIF_BRANDS else None
