"""Images as text: base64, data URLs, percent encoding; and sentences for text that is no image."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from handler.api.requests.base64_images import from_base64, image_of_text
from handler.errors import BadRequest
from tests.support.images import FORMATS, encoded, trousers

PNG = encoded(trousers())
BASE64 = base64.b64encode(PNG)
DATA_URL = b"data:image/png;base64," + BASE64


@pytest.mark.parametrize("url", ["/classify", "/huggingface"])
@pytest.mark.parametrize("body", [DATA_URL, BASE64, BASE64.rstrip(b"="), base64.urlsafe_b64encode(PNG)])
def test_image_as_text_is_answered(client: TestClient, url: str, body: bytes) -> None:
    assert client.post(url, content=body).status_code == 200


@pytest.mark.parametrize("format_name", FORMATS)
def test_base64_of_each_format_is_decoded(format_name: str) -> None:
    image = encoded(trousers(), format_name)
    assert image_of_text(base64.b64encode(image)) == image
    assert image_of_text(image) == image


@pytest.mark.parametrize("content", [b"", b"hello", b"aGVsbG8=", b"dat", b"\xff" * 200, b"AAAA" * 100])
def test_text_that_is_no_image_stays_as_it_is(content: bytes) -> None:
    assert image_of_text(content) == content


@pytest.mark.parametrize(
    "escape",
    [
        pytest.param(lambda text: quote(text, safe=""), id="as JavaScript does"),
        pytest.param(lambda text: "".join(f"%{ord(letter):02x}" for letter in text), id="each letter"),
        pytest.param(lambda text: text.replace("=", "%3d").replace("+", "%2B"), id="both cases"),
        pytest.param(lambda text: text.replace("A", "A%0D%0A"), id="line breaks"),
    ],
)
def test_percent_encoded_data_url_is_decoded(escape: Callable[[str], str]) -> None:
    assert from_base64("data:image/png;base64," + escape(BASE64.decode())) == PNG


@pytest.mark.parametrize("data", ["%", "%4", "%zz", "iVBO%", "iVBO%4", "%%41", "%g1AA", "%1gAA"])
def test_wrong_percent_encoding_is_refused(data: str) -> None:
    with pytest.raises(BadRequest, match="not valid base64"):
        from_base64("data:;base64," + data)


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
@pytest.mark.parametrize("format_name", ["PNG", "JPEG"])
def test_image_that_was_decoded_as_text_is_named(client: TestClient, format_name: str, charset: str) -> None:
    body = encoded(trousers(), format_name).decode(charset, "replace").encode()
    reply = client.post("/classify", content=body)
    assert reply.status_code == 415
    assert "decoded as text" in reply.json()["detail"]


@pytest.mark.parametrize("address", ["https://example.com/a.jpg", " HTTP://a/b", "s3://bucket/key", "blob:http://a"])
def test_address_in_place_of_base64_is_named(address: str) -> None:
    with pytest.raises(BadRequest, match="'image' is not valid base64: it is an address"):
        from_base64(address)


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        pytest.param(
            json.dumps({"image": base64.b64encode(BASE64).decode()}).encode(), "decode it", id="encoded twice"
        ),
        pytest.param(base64.b64encode(b"%PDF-1.7 " * 20), "not like that of an image", id="base64 of a PDF file"),
    ],
)
def test_base64_that_is_no_image_gets_a_sentence_that_names_base64(client: TestClient, body: bytes, hint: str) -> None:
    reply = client.post("/classify", content=body)
    assert reply.status_code == 415
    assert "base64" in reply.json()["detail"]
    assert hint in reply.json()["detail"]
