"""HEIC test images: four small files, and grids of tiles as iPhones write them, made of one of the files.

The files were made once, by pillow-heif 1.8.1, which is too large for an encoder of a few tests:

    halves = Image.new(mode, (40, 20), dark); halves.paste(light, (20, 0, 40, 20))
    rotated.heic   mode RGB, black and white, halves.getexif()[274] = 6, saved with quality=80
    alpha.heic     mode RGBA, opaque black and transparent white, saved with quality=80
    ten_bits.heic  from_bytes("RGB;16", (40, 20), (bytes(120) + b"\\xff" * 120) * 20), saved with quality=80
    trousers.heic  tests.support.images.trousers(256), saved with quality=80
"""

import struct
from pathlib import Path

SAMPLES = ("rotated", "alpha", "ten_bits", "trousers")


def heic(name: str) -> bytes:
    """The bytes of one of the files."""
    return (Path(__file__).with_name("heic") / f"{name}.heic").read_bytes()


def heic_grid(columns: int, rows: int, rotations: int = 0, *, thumbnail: bool = False) -> bytes:
    """A HEIC of `columns` by `rows` tiles of 256 x 256 pixels, turned left by `rotations` times 90 degrees.

    Each tile shows trousers; all are one and the same data. So is the thumbnail, which is not turned.
    """
    sample, tiles = heic("trousers"), columns * rows
    pictures = tiles + thumbnail
    data = sample[sample.index(b"mdat") + 4 :]
    codec = sample[sample.index(b"hvcC") - 4 :][: int.from_bytes(sample[sample.index(b"hvcC") - 4 :][:4], "big")]
    grid_id = pictures + 1
    size = struct.pack(">II", 256 * columns, 256 * rows)
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, 256 * columns, 256 * rows)
    items = b"".join(
        _full_box(b"infe", struct.pack(">HH4sx", i + 1, 0, b"hvc1"), 2, i < tiles) for i in range(pictures)
    )
    items += _full_box(b"infe", struct.pack(">HH4sx", grid_id, 0, b"grid"), 2)
    references = _box(b"dimg", struct.pack(f">HH{tiles}H", grid_id, tiles, *range(1, tiles + 1)))
    if thumbnail:
        references += _box(b"thmb", struct.pack(">HHH", pictures, 1, grid_id))
    properties = codec + _full_box(b"ispe", struct.pack(">II", 256, 256)) + _full_box(b"ispe", size)
    properties += _box(b"irot", bytes([rotations]))
    owners = b"".join(struct.pack(">HBBB", i + 1, 2, 0x81, 2) for i in range(pictures))
    owners += struct.pack(">HBBB", grid_id, 2, 3, 0x84)

    def file(data_offset: int) -> bytes:
        places = b"".join(struct.pack(">HHHHII", i + 1, 0, 0, 1, data_offset, len(data)) for i in range(pictures))
        places += struct.pack(">HHHHII", grid_id, 1, 0, 1, 0, len(layout))
        meta = (
            _full_box(b"hdlr", struct.pack(">I4s13x", 0, b"pict"))
            + _full_box(b"pitm", struct.pack(">H", grid_id))
            + _full_box(b"iloc", struct.pack(">BBH", 0x44, 0, grid_id) + places, 1)
            + _full_box(b"iinf", struct.pack(">H", grid_id) + items)
            + _full_box(b"iref", references)
            + _box(b"iprp", _box(b"ipco", properties) + _full_box(b"ipma", struct.pack(">I", grid_id) + owners))
            + _box(b"idat", layout)
        )
        return _box(b"ftyp", b"heic\0\0\0\0mif1heic") + _full_box(b"meta", meta) + _box(b"mdat", data)

    return file(len(file(0)) - len(data))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _full_box(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + content)
