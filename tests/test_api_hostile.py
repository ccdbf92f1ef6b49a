"""Whatever is sent, the reply is a problem with the right status, in one shape, and never a 500."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api import create_app
from handler.classifier import MODEL_PATH, Classifier
from handler.contract import Classification, ModelCard, Pixels
from handler.settings import Settings
from tests.pictures import encoded, png_that_claims, trousers

PNG = encoded(trousers())
JPEG = encoded(trousers(), "JPEG")
WEBP = encoded(trousers(), "WEBP")
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
BMP = encoded(trousers(), "BMP")
BMP_CLAIM = BMP[:18] + (60_000).to_bytes(4, "little") * 2 + BMP[26:]
GIF_CLAIM = b"GIF89a" + b"\xff" * 4 + bytes(3) + b"," + bytes(4) + b"\xff" * 4 + bytes(10)


def raw(body: bytes, status: int, id: str, **headers: str) -> Any:  # noqa: A002  pytest's own word
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

HOSTILE = [
    # Raw bytes
    raw(b"", 400, "no body at all"),
    raw(b" ", 415, "one space"),
    raw(b"hello", 415, "text"),
    raw(b"<html><body>no</body></html>", 415, "HTML"),
    raw(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    raw(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 415, "PDF"),
    raw(b"PK\x03\x04" + bytes(100), 415, "ZIP"),
    raw(b"\x1f\x8b\x08" + bytes(100), 415, "gzip", Content_Encoding="gzip"),
    raw(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "EPS"),
    raw(bytes(1000), 415, "zeros"),
    raw(b"\xff" * 1000, 415, "ones"),
    raw(b"<!doctype html>", 415, "HTML that claims to be PNG", Content_Type="image/png"),
    raw(b"file=%89PNG", 415, "a URL-encoded form", Content_Type="application/x-www-form-urlencoded"),
    raw(b"data:image/png;base64,iVBORw0KGgo=", 415, "a data URL without JSON"),
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
]


@pytest.mark.parametrize(("query_string", "sending", "status"), HOSTILE)
def test_what_cannot_be_classified_is_answered_with_a_problem(
    client: TestClient, query_string: str, sending: dict[str, Any], status: int
) -> None:
    reply = client.post(f"/classify{query_string}", **sending)
    assert_problem(reply, status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nowhere", 404, id="unknown path"),
        pytest.param("GET", "/%ff%fe", 404, id="path that is no UTF-8"),
        pytest.param("GET", "/../../etc/passwd", 404, id="path upwards"),
        pytest.param("GET", "/classify", 405, id="GET instead of POST"),
        pytest.param("DELETE", "/labels", 405, id="DELETE"),
        pytest.param("POST", "/", 405, id="POST to the page"),
    ],
)
def test_paths_and_methods_that_are_not_there(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert_problem(reply, status)
    assert ("Allow" in reply.headers) == (status == 405)


def test_a_wrong_field_is_named_in_the_reply(client: TestClient) -> None:
    reply = client.post("/classify", files={"photo": PNG, "picture": PNG})
    assert "'photo', 'picture'" in reply.json()["detail"]


@pytest.fixture(scope="module")
def small_client(classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """An app that accepts exactly as many bytes as a certain PNG has, and exactly as many pixels."""
    with TestClient(create_app(classifier, card, Settings(max_body_bytes=len(PNG), max_pixels=280 * 280))) as client:
        yield client


def test_a_body_of_exactly_the_limit_is_accepted(small_client: TestClient) -> None:
    assert small_client.post("/classify", content=PNG).status_code == 200


def test_a_body_over_the_limit_is_refused_by_its_length(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=PNG + b"\0"), 413)


def test_a_body_over_the_limit_is_refused_while_it_streams(small_client: TestClient) -> None:
    chunks = (PNG[i : i + 100] for i in [*range(0, len(PNG), 100), 0])
    assert_problem(small_client.post("/classify", content=chunks), 413)


@pytest.mark.parametrize("length", ["0", "1", "-1", "abc", "9" * 6000, "٣", ""])
def test_a_content_length_that_lies_does_not_lift_the_limit(small_client: TestClient, length: str) -> None:
    headers = {b"Content-Length": length.encode()}
    assert_problem(small_client.post("/classify", content=PNG * 2, headers=headers), 413)


def test_an_image_over_the_limit_of_pixels_is_refused(small_client: TestClient) -> None:
    assert_problem(small_client.post("/classify", content=encoded(trousers(281).convert("1"))), 413)


class BrokenClassifier(Classifier):
    """Fails in a way that nobody foresaw."""

    def classify(self, pixels: Pixels, top_k: int) -> list[Classification]:
        raise ZeroDivisionError(f"{pixels.shape} {top_k}")


def test_an_unexpected_error_is_a_problem_too_and_is_passed_on_to_the_log(card: ModelCard) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=PNG)
    assert_problem(reply, 500)
    assert "ZeroDivisionError" not in reply.text
    with TestClient(app) as client, pytest.raises(ZeroDivisionError):
        client.post("/classify", content=PNG)


def test_hostile_input_is_not_logged_as_an_error(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/classify", content=PNG[:100])
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def assert_problem(reply: Any, status: int) -> None:
    assert reply.status_code == status, reply.text[:500]
    assert reply.headers["content-type"] == "application/problem+json"
    problem = json.loads(reply.content)
    assert set(problem) == {"type", "title", "status", "detail", "error"}
    assert problem["status"] == status
    assert problem["error"] == problem["detail"]
    assert 0 < len(problem["detail"]) < 300
