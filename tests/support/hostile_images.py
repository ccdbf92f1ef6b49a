"""Image files that hide work or memory behind a small size, many parts or a header that lies; made by code, in seconds.

Each function returns the bytes of one file. `tests.support.cost_cases` lists them with the status they should get.
"""

import io
import struct
import zlib

from PIL import Image

from tests.inference.heif_files import heic_grid
from tests.support.images import encoded

SIDE = 7_000  # 49 megapixels, a little less than MAX_PIXELS
TIFF_TYPES = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}


def flat(mode: str, side: int = SIDE) -> Image.Image:
    """An image of one colour."""
    return Image.new(mode, (side, side))


def jpeg_segments(marker: int, content: bytes, count: int) -> bytes:
    """A small JPEG with `count` equal segments behind its start."""
    whole = encoded(flat("RGB", 60), "JPEG")
    return whole[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2).join([b"", *[content] * count]) + whole[2:]


def jpeg_that_claims(side: int) -> bytes:
    """A small JPEG whose frame header declares `side` by `side` pixels."""
    whole = encoded(flat("RGB", 60), "JPEG")
    size = whole.index(b"\xff\xc0") + 5
    return whole[:size] + struct.pack(">HH", side, side) + whole[size + 4 :]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(  # noqa: PLR0913  the members of its header
    width: int, height: int, depth: int, colour: int, *, interlaced: bool = False, extra: bytes = b""
) -> bytes:
    """A PNG of zeros (RFC 2083), with `extra` chunks before its pixels."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    palette = png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    rows = _adam7_rows(width, height) if interlaced else [(width, height)]
    pixels = zlib.compressobj(1)
    packed = [pixels.compress(bytes((1 + (across * bits + 7) // 8) * down)) for across, down in rows]
    data = png_chunk(b"IDAT", b"".join([*packed, pixels.flush()]))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + palette + extra + data + png_chunk(b"IEND", b"")


def _adam7_rows(width: int, height: int) -> list[tuple[int, int]]:
    """Columns and rows of the seven passes (RFC 2083, section 2.6)."""
    starts = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return [((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in starts]


def png_in_pieces(side: int) -> bytes:
    """A PNG whose pixels come in chunks of one byte, about three times `side` squared."""
    whole = png(side, side, 8, 2)
    start, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    data = zlib.compress(bytes((1 + 3 * side) * side), 0)
    return whole[:start] + b"".join(png_chunk(b"IDAT", bytes([byte])) for byte in data) + whole[end:]


def packed(kind: bytes, megabytes: int, count: int = 1) -> bytes:
    """PNG chunks with compressed text, or with a compressed colour profile."""
    start = b"a\0\1\0\0\0" if kind == b"iTXt" else b"a\0\0"
    return png_chunk(kind, start + zlib.compress(bytes(megabytes * 1_000_000), 9)) * count


def tiff(
    entries: dict[int, tuple[int, list[int]]],
    *,
    data: bytes = b"",
    big: bool = False,
    following: int = 0,
    order: str = "<",
) -> bytes:
    """A TIFF, or a BigTIFF, with one directory; each entry is a tag with its type and values.

    Values that do not fit into an entry follow the directory, then `data`. In tag 273 or 324, offsets are relative to
    the beginning of `data`.
    """
    slot, count_format = (8, "HHQ") if big else (4, "HHI")
    start = 16 if big else 8
    position = start + slot // (1 if big else 2) + len(entries) * (4 + 2 * slot) + slot
    sizes = {tag: struct.calcsize("<" + TIFF_TYPES[kind]) * len(values) for tag, (kind, values) in entries.items()}
    data_at = position + sum(size for size in sizes.values() if size > slot)
    fields, outside = b"", b""
    for tag, (kind, values) in sorted(entries.items()):
        moved = [value + data_at for value in values] if tag in {273, 324} else values
        content = struct.pack(f"{order}{len(values)}{TIFF_TYPES[kind]}", *moved)
        if len(content) > slot:
            content, outside = struct.pack(order + ("Q" if big else "I"), position + len(outside)), outside + content
        fields += struct.pack(order + count_format, tag, kind, len(values)) + content.ljust(slot, b"\0")
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(order + "HHHQQ", 43, 8, 0, start, len(entries))
        return head + fields + struct.pack(order + "Q", following) + outside + data
    head = mark + struct.pack(order + "HIH", 42, start, len(entries))
    return head + fields + struct.pack(order + "I", following) + outside + data


def tiff_of_strips(strips: int, *, big: bool = False) -> bytes:
    """A grey TIFF, 1 pixel wide, with a strip for each row."""
    kind = 16 if big else 4
    size = {256: (3, [1]), 257: (4, [strips]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 278: (3, [1])}
    return tiff({**size, 273: (kind, [0] * strips), 279: (3, [1] * strips)}, data=b"\0", big=big)


def tiff_of_tiles(side: int, tile: int, *, compression: int = 1, tiles: int | None = None, data: bytes = b"") -> bytes:
    """A grey TIFF in tiles, which all are the same data."""
    count = (-(-side // tile)) ** 2 if tiles is None else tiles
    content = data or bytes(tile * tile)
    size = {256: (4, [side]), 257: (4, [side]), 258: (3, [8]), 259: (3, [compression]), 262: (3, [1])}
    tiled = {322: (4, [tile]), 323: (4, [tile]), 324: (4, [0] * count), 325: (4, [len(content)] * count)}
    return tiff({**size, **tiled}, data=content)


def tiff_around_jpeg(jpeg: bytes, side: int) -> bytes:
    """A TIFF with one strip, which is a JPEG file (compression 7)."""
    size = {256: (4, [side]), 257: (4, [side]), 258: (3, [8, 8, 8]), 259: (3, [7]), 262: (3, [6]), 277: (3, [3])}
    return tiff({**size, 273: (4, [0]), 278: (4, [side]), 279: (4, [len(jpeg)])}, data=jpeg)


def tiff_compressed(image: Image.Image, compression: str) -> bytes:
    """A TIFF in one of libtiff's compressions."""
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression)
    return file.getvalue()


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of chunks, each a name and its content."""
    content = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def webp_canvas(side: int, flags: int) -> tuple[bytes, bytes]:
    return b"VP8X", struct.pack("<I", flags) + (side - 1).to_bytes(3, "little") * 2


def webp_bitstream(image: Image.Image, **options: object) -> tuple[bytes, bytes]:
    """The chunk with the pixels of `image`, without a canvas around it."""
    whole = encoded(image, "WEBP", method=0, **options)
    name = b"VP8L" if b"VP8L" in whole else b"VP8 "
    start = whole.index(name)
    length = int.from_bytes(whole[start + 4 : start + 8], "little")
    return name, whole[start + 8 : start + 8 + length]


def webp_animation(side: int, frames: int, frame: tuple[bytes, bytes], frame_side: int) -> bytes:
    """`frames` times the same frame on a canvas of `side` by `side` pixels."""
    place = bytes(6) + (frame_side - 1).to_bytes(3, "little") * 2 + (100).to_bytes(3, "little") + b"\0"
    content = frame[0] + struct.pack("<I", len(frame[1])) + frame[1] + bytes(len(frame[1]) % 2)
    return webp(webp_canvas(side, 2), (b"ANIM", bytes(6)), *[(b"ANMF", place + content)] * frames)


def heif_that_claims(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or a HEIC with another size in all of its headers, but not in its coded picture."""
    parts = data.split(b"ispe")
    return parts[0] + b"".join(b"ispe" + part[:4] + struct.pack(">II", width, height) + part[12:] for part in parts[1:])


def heic_of_tiles(columns: int, rows: int, *, thumbnail: bool = False) -> bytes:
    """A HEIC of so many tiles of 256 by 256 pixels, which all are the same data; so is the thumbnail."""
    return heic_grid(columns, rows, thumbnail=thumbnail)


def gif(image: Image.Image, frames: int = 1, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "GIF", save_all=frames > 1, append_images=[image] * (frames - 1), **options)
    return file.getvalue()


def gif_on_screen(side: int, image: Image.Image) -> bytes:
    """A GIF that is smaller than the screen it declares."""
    whole = gif(image)
    return whole[:6] + struct.pack("<HH", side, side) + whole[10:]


def bmp_of_runs(side: int, runs: int) -> bytes:
    """A BMP in run-length encoding (BI_RLE8) of runs of one pixel."""
    info = struct.pack("<IiiHHIIIIII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<III", 0, 0, 54 + 1024) + info + bytes(1024) + b"\1\7" * runs


def bmp_in_rows(side: int) -> bytes:
    """A BMP in run-length encoding of runs as long as they can be."""
    info = struct.pack("<IiiHHIIIIII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    row = b"\xff\7" * (side // 255) + bytes([side % 255, 7]) + b"\0\0"
    return b"BM" + struct.pack("<III", 0, 0, 54 + 1024) + info + bytes(1024) + row * side
