"""JPEG files made segment by segment."""

import struct


def segment(marker: int, content: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def frame_header(marker: int = 0xC2, width: int = 64, height: int = 48, factors: tuple[int, ...] = (0x11,)) -> bytes:
    """A frame header with a component for each of `factors`, its horizontal and vertical sampling factor."""
    components = b"".join(bytes([number + 1, factor, 0]) for number, factor in enumerate(factors))
    return segment(marker, struct.pack(">BHHB", 8, height, width, len(factors)) + components)


def scan(data: bytes = b"\x55", components: int = 1) -> bytes:
    """The header of a scan over the first components, and its data."""
    return (
        segment(0xDA, bytes([components, *(each for i in range(components) for each in (i + 1, 0)), 0, 63, 0])) + data
    )


def jpeg(*parts: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"
