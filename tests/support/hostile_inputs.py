"""About 160 malformed or unusual requests to /classify, each with its expected status."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from tests.support.hostile_images import png
from tests.support.images import FORMATS, encoded, png_that_claims, trousers

PNG = encoded(trousers())
JPEG = encoded(trousers(), "JPEG")
WEBP = encoded(trousers(), "WEBP")
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
BMP = encoded(trousers(), "BMP")
BMP_CLAIM = BMP[:18] + (60_000).to_bytes(4, "little") * 2 + BMP[26:]
PACKED_ZEROS = zlib.compress(bytes(50_000_000), 9)
GIF_CLAIM = b"GIF89a" + b"\xff" * 4 + bytes(3) + b"," + bytes(4) + b"\xff" * 4 + bytes(10)


def raw(body: bytes, status: int, id: str, **headers: str) -> Any:  # noqa: A002  pytest's name
    sending = {"content": body, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    return pytest.param("", sending, status, id=id)


def form(body: bytes, status: int, id: str, content_type: str = BOUNDARY["Content-Type"]) -> Any:  # noqa: A002
    return raw(body, status, id, Content_Type=content_type)


def part(disposition: str, content: bytes = PNG, boundary: str = "b") -> bytes:
    return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def query(text: str, status: int, id: str) -> Any:  # noqa: A002
    return pytest.param(text, {"content": PNG}, status, id=id)


FILE = 'form-data; name="file"; filename="a.png"'
END = b"--b--\r\n"


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png_with(kind: bytes, data: bytes) -> bytes:
    """The PNG with another chunk after its header."""
    return PNG[:33] + png_chunk(kind, data) + PNG[33:]


def png_that_inflates(megabytes: int) -> bytes:
    """A PNG of 8x8 pixels whose little data inflate to far more than its pixels need."""
    header = (8).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    pixels = zlib.compress(bytes(megabytes * 1_000_000), 1)
    return PNG[:8] + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def webp_that_claims(width: int, height: int) -> bytes:
    """The header of a lossless WebP of `width` by `height` pixels, followed by a few bytes."""
    pixels = b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little") + bytes(100)
    chunks = b"WEBPVP8L" + len(pixels).to_bytes(4, "little") + pixels + bytes(len(pixels) % 2)
    return b"RIFF" + len(chunks).to_bytes(4, "little") + chunks


def tiff(entries: list[tuple[int, int, int, int]], next_directory: int = 0) -> bytes:
    """A TIFF with one directory; each entry is (tag, type, count, value)."""
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + struct.pack("<I", next_directory)


def tiff_that_claims(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 9)]
    return tiff(tags)


def of_size(width: int, height: int, format_name: str = "PNG") -> bytes:
    return encoded(Image.new("1" if format_name == "PNG" else "L", (width, height), 1), format_name)


def animation(frames: int) -> bytes:
    file = io.BytesIO()
    images = [trousers(60 + i % 2).resize((60, 60)) for i in range(frames)]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:])
    return file.getvalue()


def cut(format_name: str, share: float) -> Any:
    whole = encoded(trousers(), format_name)
    return raw(whole[: int(share * len(whole))], 422, f"{format_name}: {share:.0%} of it")


HOSTILE = [
    # Raw bytes
    raw(b"", 400, "no body at all"),
    raw(b" ", 415, "one space"),
    raw(b"hello", 415, "text"),
    raw(b"<html><body>no</body></html>", 415, "HTML"),
    raw(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    raw(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 415, "PDF"),
    raw(b"PK\x03\x04" + bytes(100), 415, "ZIP"),
    raw(b"\x1f\x8b\x08" + bytes(100), 400, "broken gzip", Content_Encoding="gzip"),
    raw(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "EPS"),
    raw(bytes(1000), 415, "zeros"),
    raw(b"\xff" * 1000, 415, "ones"),
    raw(b"<!doctype html>", 415, "HTML that claims to be PNG", Content_Type="image/png"),
    raw(b"file=%89PNG", 400, "a URL-encoded form", Content_Type="application/x-www-form-urlencoded"),
    raw(b"data:image/png;base64,iVBORw0KGgo=", 422, "a data URL of a truncated image"),
    raw(b"\xff\xfe{\0}\0", 415, "UTF-16"),
    # Images that are damaged
    raw(PNG[:8], 422, "PNG: only its magic bytes"),
    raw(PNG[:20], 422, "PNG: cut within its header"),
    raw(PNG[: len(PNG) // 2], 422, "PNG: cut in the middle"),
    raw(PNG[:8] + bytes(500), 422, "PNG: magic bytes, then zeros"),
    raw(PNG[:40] + b"\xff" * 20 + PNG[60:], 422, "PNG: damaged in the middle"),
    raw(png_that_claims(100, 100), 422, "PNG: without its pixels"),
    raw(png_that_claims(0, 0), 422, "PNG: of no size"),
    raw(JPEG[:3], 422, "JPEG: only its magic bytes"),
    raw(JPEG[: len(JPEG) // 2], 422, "JPEG: cut in the middle"),
    raw(WEBP[:12], 422, "WebP: only its magic bytes"),
    raw(WEBP[: len(WEBP) // 2], 422, "WebP: cut in the middle"),
    raw(encoded(trousers(), "GIF")[:6], 422, "GIF: only its magic bytes"),
    raw(encoded(trousers(), "GIF")[:100], 422, "GIF: cut in the middle"),
    raw(encoded(trousers(), "TIFF")[:8], 422, "TIFF: only its header"),
    raw(encoded(trousers(), "AVIF")[:200], 422, "AVIF: cut within its boxes"),
    raw(b"BM", 422, "BMP: only its magic bytes"),
    # Images that are too large
    raw(png_that_claims(65_535, 65_535), 413, "PNG: claims four billion pixels"),
    raw(png_that_claims(2**31 - 1, 1), 413, "PNG: claims one endless row"),
    raw(BMP_CLAIM, 413, "BMP: claims billions of pixels"),
    raw(GIF_CLAIM, 413, "GIF: claims billions of pixels"),
    raw(encoded(trousers(100).convert("1").resize((8000, 8000))), 413, "PNG: a real bomb of 64 million pixels"),
    # Forms
    form(b"", 400, "form: empty"),
    form(END, 400, "form: without a part"),
    form(part(FILE), 400, "form: without its end"),
    form(part(FILE)[:100], 400, "form: cut within the image"),
    form(b"--b\r\nContent-Disp", 400, "form: cut within a header"),
    form(part(FILE, boundary="c") + b"--c--\r\n", 400, "form: another boundary than the header's"),
    form(part(FILE) + END, 400, "form: no boundary in the header", "multipart/form-data"),
    form(part(FILE) + END, 400, "form: empty boundary", "multipart/form-data; boundary="),
    form(part(FILE) + END, 400, "form: endless boundary", f"multipart/form-data; boundary={'b' * 5000}"),
    form(part(FILE) + END, 415, "form: without its Content-Type", "application/octet-stream"),
    form(part('form-data; name="image"; filename="a.png"') + END, 400, "form: wrong field"),
    form(part('form-data; name="\xff\ud7ff"') + END, 400, "form: a field name that is odd"),
    form(b"--b\r\nContent-Disposition: form-data; name=\xff\xfe\r\n\r\nx\r\n--b--", 400, "form: a name not in UTF-8"),
    form(part("form-data") + END, 400, "form: part without a name"),
    form(b"--b\r\n\r\n" + PNG + b"\r\n" + END, 400, "form: part without headers"),
    form(b"--b\r\nbad header\r\n\r\nx\r\n" + END, 400, "form: broken header"),
    form(b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n" + END, 400, "form: endless header"),
    form(part(FILE) * 2 + END, 400, "form: two files"),
    form(part('form-data; name="x"') * 1000 + END, 400, "form: a thousand parts"),
    form(part(FILE, b"") + END, 400, "form: empty file"),
    form(part(FILE, b"hello") + END, 415, "form: text as the file"),
    form(part(FILE, JPEG[:500]) + END, 422, "form: truncated image"),
    form(part('form-data; name="file"', b"a.png") + END, 415, "form: a path instead of the file"),
    # JSON
    raw(b"{", 400, "JSON: only a brace"),
    raw(b"{}", 400, "JSON: empty object"),
    raw(b"[]", 400, "JSON: empty array"),
    raw(b'[{"image": "aGk="}]', 400, "JSON: array"),
    raw(b'{"file": "aGk="}', 400, "JSON: wrong key"),
    raw(b'{"image": null}', 400, "JSON: null"),
    raw(b'{"image": 5}', 400, "JSON: number"),
    raw(b'{"image": NaN}', 400, "JSON: NaN"),
    raw(b'{"image": {"b64": "aGk="}}', 400, "JSON: object"),
    raw(b'{"image": ' + b"9" * 5000 + b"}", 400, "JSON: a number of 5,000 digits"),
    raw(b'{"image": ""}', 400, "JSON: empty text"),
    raw(b'{"image": "a"}', 400, "JSON: one letter of base64"),
    raw(b'{"image": "aGk=aGk="}', 400, "JSON: base64 that goes on after its padding"),
    raw(b'{"image": "not base64!"}', 400, "JSON: not base64"),
    raw('{"image": "外套"}'.encode(), 400, "JSON: Chinese instead of base64"),
    raw(b'{"image": "\\ud800"}', 400, "JSON: half of a surrogate pair"),
    raw(b'{"image": "\xff"}', 400, "JSON: not UTF-8"),
    raw('{"image": "aGk="}'.encode("utf-16-le"), 400, "JSON: UTF-16"),
    raw(b'{"image": "aGk="} and more', 400, "JSON: something after its end"),
    raw(b'{"image": "data:image/png;base64"}', 400, "JSON: data URL without a comma"),
    raw(b'{"image": "data:image/png,%89PNG"}', 400, "JSON: data URL without base64"),
    raw(b'{"image": "data:image/png;base64,"}', 400, "JSON: data URL without data"),
    raw(b'{"image": "data:image/png;base64,%zz"}', 400, "JSON: data URL with wrong percent-encoding"),
    raw(b'{"image": "aGVsbG8="}', 415, "JSON: base64 of text"),
    raw(b'{"image": "https://example.com/a.png"}', 400, "JSON: a link"),
    raw(b'{"image": "iVBORw0KGgo="}', 422, "JSON: base64 of a truncated image"),
    raw(b"[" * 5_000, 400, "JSON: nested without an end"),
    raw(b'{"image":' * 5_000 + b"1" + b"}" * 5_000, 400, "JSON: objects nested deeply"),
    raw(b"[" * 1_000_000, 400, "JSON: nested a million times"),
    raw(b'{"a": [' + b"[]," * 1_000_000 + b"[]]}", 400, "JSON: a million empty arrays"),
    # Parameters
    query("?top_k=0", 422, "top_k: zero"),
    query("?top_k=11", 422, "top_k: eleven"),
    query("?top_k=-1", 422, "top_k: negative"),
    query("?top_k=abc", 422, "top_k: letters"),
    query("?top_k=1e3", 422, "top_k: exponent"),
    query("?top_k=2.5", 422, "top_k: fraction"),
    query("?top_k=", 422, "top_k: empty"),
    query("?top_k=NaN", 422, "top_k: NaN"),
    query("?top_k=3&top_k=x", 422, "top_k: given twice, the last one wrong"),
    query("?top_k=%ff", 422, "top_k: a byte that is no UTF-8"),
    query("?top_k=%00", 422, "top_k: a null character"),
    query("?top_k=%zz", 422, "top_k: wrong percent-encoding"),
    query("?top_k=" + "9" * 5000, 422, "top_k: 5,000 digits"),
    # Cut at each stage
    *(cut(format_name, share) for format_name in FORMATS for share in (0.1, 0.3, 0.5, 0.7, 0.9)),
    # Bombs, and sides at the edge
    raw(png_that_inflates(200), 200, "PNG: 200 MB of zeros behind 64 pixels"),
    raw(png_with(b"zTXt", b"a\0\0" + PACKED_ZEROS), 200, "PNG: a text of 50 MB, packed"),
    raw(png_with(b"iCCP", b"a\0\0" + PACKED_ZEROS), 200, "PNG: a colour profile of 50 MB"),
    raw(png_with(b"tEXt", b"a\0" + bytes(2_000_000)), 200, "PNG: a text of 2 MB"),
    raw(png_with(b"eXIf", b"II*\0" + b"\xff" * 100), 200, "PNG: EXIF data that are damaged"),
    raw(webp_that_claims(16_383, 16_383), 413, "WebP: claims 268 million pixels"),
    raw(tiff_that_claims(60_000, 60_000), 413, "TIFF: claims billions of pixels"),
    raw(tiff_that_claims(2**32 - 1, 2**32 - 1), 413, "TIFF: claims all the pixels there can be"),
    raw(tiff_that_claims(100, 100), 422, "TIFF: without its pixels"),
    raw(tiff([(256, 4, 1, 9), (257, 4, 1, 9)], next_directory=8), 422, "TIFF: directories in a circle"),
    raw(tiff([(273, 4, 2**32 - 1, 8)]), 422, "TIFF: four billion strips"),
    raw(of_size(7_000, 7_140, "GIF"), 200, "GIF: 50 million pixels in a few kilobytes"),
    raw(of_size(7_100, 7_100, "GIF"), 413, "GIF: a little more than that"),
    raw(png(20_000, 20_000, 1, 0), 413, "PNG: sides of 20,000 pixels"),
    raw(of_size(20_000, 1), 200, "PNG: 20,000 pixels in a row"),
    raw(of_size(1, 20_000), 200, "PNG: 20,000 pixels in a column"),
    raw(of_size(1, 1), 200, "PNG: one pixel"),
    raw(of_size(1, 1, "GIF"), 200, "GIF: one pixel"),
    raw(of_size(1, 1, "JPEG"), 200, "JPEG: one pixel"),
    raw(animation(200), 200, "GIF: 200 frames"),
    # Two things at once
    raw(PNG + b"PK\x03\x04" + bytes(500), 200, "PNG: an archive behind it"),
    raw(JPEG + b"<script>alert(1)</script>", 200, "JPEG: a script behind it"),
    raw(b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", 422, "GIF: really a script"),
    raw(b"%PDF-1.7\n" + JPEG, 415, "PDF: with a JPEG in it"),
    raw(b"\n" + PNG, 415, "PNG: a line break before it"),
    raw(PNG[:8] + JPEG, 422, "PNG: really a JPEG"),
    raw(b"RIFF" + bytes(4) + b"WAVE" + bytes(100), 415, "RIFF: a sound"),
    raw(bytes(4) + b"ftypmp42" + bytes(100), 415, "MP4: a film"),
    raw(bytes(4) + b"ftypheic" + bytes(100), 422, "HEIC: without an image"),
    # File names in odd encodings
    form(part("form-data; name=file; filename*=UTF-8''%e5%a4%96.png") + END, 200, "file name: RFC 5987"),
    form(part("form-data; name=file; filename*=no''%zz") + END, 200, "file name: an unknown encoding"),
    form(part(FILE).replace(b"a.png", b"\xe9.png") + END, 200, "file name: Latin-1"),
    form(part('form-data; name="file"; filename="' + "../" * 1000 + '"') + END, 200, "file name: a long way up"),
    form(part('form-data; name="file"; filename="a\0b.png"') + END, 200, "file name: a null character"),
]
