"""TIFF strips and tiles are counted by what is declared, and by the sizes."""

import struct
from typing import Any

import pytest

from handler.errors import TooComplex, TooManyPixels
from handler.inference.headers import check_cost, read_header
from tests.support.images import encoded, trousers

LIMIT = 50_000_000
BYTE, SHORT, LONG, RATIONAL, LONG8 = 1, 3, 4, 5, 16
ONE_STRIP = {256: 100, 257: 80, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 80, 279: 8_000}


def tiff(tags: dict[int, Any], order: str = "<", big: bool = False, tail: bytes = b"") -> bytes:
    """A TIFF of one directory. A tag's value is a number, or (type, count, value or offset)."""
    entries = [(tag, *(value if isinstance(value, tuple) else (LONG, 1, value))) for tag, value in tags.items()]
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries))
        fields = (struct.pack(order + "HHQ", *entry[:3]) + _field(order, entry, 8) for entry in entries)
    else:
        head = mark + struct.pack(order + "HIH", 42, 8, len(entries))
        fields = (struct.pack(order + "HHI", *entry[:3]) + _field(order, entry, 4) for entry in entries)
    return head + b"".join(fields) + bytes(8 if big else 4) + tail


def _field(order: str, entry: tuple[int, int, int, int], size: int) -> bytes:
    _, kind, count, value = entry
    letter = {BYTE: "B", SHORT: "H", LONG8: "Q"}.get(kind, "I") if count == 1 else "Q" if size == 8 else "I"
    return struct.pack(order + letter, value).ljust(size, b"\0")


@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG], ids=["bytes", "16 bits", "32 bits"])
def test_facts_are_read_in_every_layout(big: bool, order: str, kind: int) -> None:
    header = read_header("TIFF", tiff({**ONE_STRIP, 256: (kind, 1, 100), 257: (kind, 1, 80)}, order, big))
    assert (header.width, header.height, header.parts, header.trusted) == (100, 80, 1, True)


@pytest.mark.parametrize(
    ("tags", "parts"),
    [
        pytest.param({278: 1}, 80, id="a strip for each row, one declared"),
        pytest.param({278: 1, 284: 2, 277: 4}, 320, id="four planes"),
        pytest.param({278: 0}, 1, id="no rows in a strip: one strip"),
        pytest.param({278: 2**32 - 1}, 1, id="endless strips"),
        pytest.param({273: (LONG, 5_000, 200)}, 5_000, id="more offsets than rows"),
        pytest.param({279: (LONG, 5_000, 200)}, 5_000, id="more byte counts than rows"),
        pytest.param({322: 16, 323: 16}, 35, id="tiles"),
        pytest.param({322: 16, 323: 16, 324: (LONG, 5_000, 200)}, 5_000, id="more tile offsets than tiles"),
        pytest.param({322: 0, 323: 0}, 8_000, id="tiles of no size"),
    ],
)
def test_parts_are_the_larger_of_declared_and_computed(tags: dict[int, Any], parts: int) -> None:
    assert read_header("TIFF", tiff({**ONE_STRIP, **tags})).parts == parts


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiff({**ONE_STRIP, 256: 2_000, 257: 2_000}), id="4 megapixels"),
        pytest.param(tiff({**ONE_STRIP, 322: 30_000, 323: 30_000}), id="a tile larger than the image"),
        pytest.param(tiff({**ONE_STRIP, 256: 1, 257: 200_000, 278: 200_000}), id="200,000 rows"),
        pytest.param(tiff({**ONE_STRIP, 259: 7}), id="JPEG within"),
        pytest.param(tiff({**ONE_STRIP, 259: 34925}), id="LZMA within"),
        pytest.param(tiff({**ONE_STRIP, 256: (LONG, 2, 8)}), id="two widths"),
        pytest.param(tiff({**ONE_STRIP, 34665: 8}, tail=bytes(1_000_000)), id="EXIF data in a large file"),
        pytest.param(tiff(ONE_STRIP)[:60], id="directory cut short"),
        pytest.param(tiff({})[:4], id="header cut short"),
        pytest.param(tiff({}), id="empty directory"),
        pytest.param(b"II*\0\xff\xff\xff\xff" + bytes(50), id="directory behind the end"),
        pytest.param(b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(50), id="BigTIFF's directory behind the end"),
    ],
)
def test_unusual_tiff_is_not_trusted(data: bytes) -> None:
    assert not read_header("TIFF", data).trusted


@pytest.mark.parametrize(
    ("tags", "error", "sentence"),
    [
        pytest.param({257: 60_000, 278: 1}, TooComplex, "more than 50,000 strips or tiles", id="computed strips"),
        pytest.param({273: (LONG, 2**32 - 1, 8)}, TooComplex, "more than 50,000 strips or tiles", id="declared strips"),
        pytest.param({322: 1, 323: 1, 257: 1_000}, TooComplex, "more than 50,000 strips", id="tiles of a pixel"),
        pytest.param({282: (RATIONAL, 100_000, 200)}, TooComplex, "more than 1,000,000 entries", id="resolutions"),
        pytest.param({258: (SHORT, 1_100_000, 200)}, TooComplex, "more than 1,000,000 entries", id="bit depths"),
        pytest.param(dict.fromkeys(range(1_000, 63_600), 1), TooComplex, "more than 1,000,000 entries", id="entries"),
        pytest.param({256: 50_001, 257: 1_000}, TooManyPixels, "more than the 50,000,000 allowed", id="pixels"),
        pytest.param({322: 30_000, 323: 30_000, 259: 8}, TooManyPixels, "TIFF images of this kind", id="a huge tile"),
        pytest.param(
            {256: 7_000, 257: 7_000, 259: 8, 277: 3, 262: 2, 278: 7_000, 274: 6},
            TooManyPixels,
            "TIFF images of this kind may have at most 30,",
            id="one strip, to be turned",
        ),
    ],
)
def test_tiff_beyond_its_bounds_is_refused_with_the_bound(
    tags: dict[int, Any], error: type[Exception], sentence: str
) -> None:
    data = tiff({**ONE_STRIP, **tags}, tail=bytes(2_300_000))
    with pytest.raises(error, match=sentence):
        check_cost(read_header("TIFF", data), LIMIT)


def test_directory_that_is_its_own_successor_is_read_once() -> None:
    data = encoded(trousers(), "TIFF")
    assert read_header("TIFF", data[:-4] + data[4:8]).parts == read_header("TIFF", data).parts
