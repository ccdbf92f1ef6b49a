"""Unusual request bodies: forms of old clients, compressed and empty bodies; and what each may cost."""

import base64
import binascii
import gzip
import json
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.requests.body import Body
from handler.api.requests.images import image_in
from handler.errors import ClassifierError
from tests.support.images import encoded, trousers

PNG = encoded(trousers())
BASE64 = base64.b64encode(PNG)
DATA_URL = b"data:image/png;base64," + BASE64
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=X"}
END = b"--X--\r\n"


def part(content: bytes, more: str = '; filename="a.png"', headers: str = "") -> bytes:
    return f'--X\r\nContent-Disposition: form-data; name="file"{more}\r\n{headers}\r\n'.encode() + content + b"\r\n"


EMPTY_INPUT = part(b"", '; filename=""', "Content-Type: application/octet-stream\r\n")

FORMS = [
    pytest.param(part(PNG) + EMPTY_INPUT + END, id="an unfilled input after the image"),
    pytest.param(EMPTY_INPUT + part(PNG) + END, id="an unfilled input before the image"),
    pytest.param(EMPTY_INPUT * 3 + part(PNG) + EMPTY_INPUT + END, id="several unfilled inputs"),
    pytest.param(part(PNG) + part(b"", "") + END, id="an empty text field"),
    pytest.param(part(DATA_URL, "") + END, id="a data URL as text"),
    pytest.param(part(DATA_URL) + END, id="a data URL as a file"),
    pytest.param(part(DATA_URL.replace(b"data:", b" DATA:"), "") + END, id="a data URL in capitals, after a space"),
    pytest.param(part(BASE64, "") + END, id="base64 as text"),
    pytest.param(part(base64.encodebytes(PNG), "") + END, id="base64 in lines"),
    pytest.param(part(BASE64, headers="Content-Transfer-Encoding: base64\r\n") + END, id="a transfer encoding"),
    pytest.param(
        part(base64.encodebytes(PNG), headers="Content-Transfer-Encoding: BASE64\r\n") + END,
        id="a transfer encoding in lines",
    ),
    pytest.param(
        part(binascii.b2a_qp(PNG, istext=False), headers="Content-Transfer-Encoding: quoted-printable\r\n") + END,
        id="quoted-printable",
    ),
    pytest.param(part(PNG, headers="Content-Transfer-Encoding: binary\r\n") + END, id="binary"),
    pytest.param(b"This is a multi-part message.\r\n" + part(PNG) + END, id="a preamble"),
    pytest.param(b"\r\n\r\n" + part(PNG) + END, id="empty lines before the boundary"),
    pytest.param(b"--Y\r\n\r\n--\r\n" + part(PNG) + END, id="a preamble that looks like another form"),
    pytest.param(part(PNG) + END + b"An epilogue.\r\n--X\r\n", id="an epilogue"),
]


@pytest.mark.parametrize("body", FORMS)
def test_form_is_answered(client: TestClient, body: bytes) -> None:
    reply = client.post("/classify", content=body, headers=BOUNDARY)
    assert (reply.status_code, reply.json()["label"]) == (200, "Trouser"), reply.text


@pytest.mark.parametrize("body", FORMS)
def test_form_is_answered_as_a_batch_of_one(client: TestClient, body: bytes) -> None:
    reply = client.post("/classify/batch", content=body, headers=BOUNDARY)
    assert [result["status"] for result in reply.json()["results"]] == [200], reply.text


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (part(PNG) + END, "multipart/form-data", "names no boundary"),
        (b"--X\r\n\r\n" + PNG + b"\r\n" + END, BOUNDARY["Content-Type"], "a part without a Content-Disposition"),
        (part(b"%" * 50, headers="Content-Transfer-Encoding: base64\r\n") + END, BOUNDARY["Content-Type"], "base64"),
    ],
)
@pytest.mark.parametrize("url", ["/classify", "/classify/batch"])
def test_sentence_names_what_is_wrong_with_a_form(
    client: TestClient, url: str, body: bytes, content_type: str, sentence: str
) -> None:
    reply = client.post(url, content=body, headers={"Content-Type": content_type})
    assert reply.status_code == 400
    assert sentence in reply.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/related; boundary=X", ""])
def test_form_with_another_content_type_is_named(client: TestClient, content_type: str) -> None:
    reply = client.post("/classify", content=part(PNG) + END, headers={"Content-Type": content_type})
    assert reply.status_code == 415
    assert "so its Content-Type should be multipart/form-data" in reply.json()["detail"]


@pytest.mark.parametrize("url", ["/classify", "/classify/batch"])
def test_form_with_unfilled_inputs_alone_has_no_image(client: TestClient, url: str) -> None:
    reply = client.post(url, content=EMPTY_INPUT * 2 + END, headers=BOUNDARY)
    assert (reply.status_code, reply.json()["type"]) == (400, "urn:problem:missing-image")


COMPRESSED = [
    pytest.param("gzip", gzip.compress(PNG), id="gzip"),
    pytest.param("x-gzip", gzip.compress(PNG), id="x-gzip"),
    pytest.param("gzip", gzip.compress(PNG[:99]) + gzip.compress(PNG[99:]), id="gzip of two members"),
    pytest.param("deflate", zlib.compress(PNG), id="deflate"),
    pytest.param("Deflate", zlib.compress(PNG)[2:-4], id="deflate without zlib's header"),
]


@pytest.mark.parametrize(("encoding", "body"), COMPRESSED)
@pytest.mark.parametrize("url", ["/classify", "/huggingface", "/v2/models/fashion-mnist/infer"])
def test_compressed_image_is_answered(client: TestClient, url: str, encoding: str, body: bytes) -> None:
    assert client.post(url, content=body, headers={"Content-Encoding": encoding}).status_code == 200


@pytest.mark.parametrize("url", ["/classify/batch", "/v1/models/fashion-mnist:predict"])
def test_compressed_json_is_answered(client: TestClient, url: str) -> None:
    body = gzip.compress(json.dumps({"images" if "batch" in url else "instances": [BASE64.decode()]}).encode())
    assert client.post(url, content=body, headers={"Content-Encoding": "gzip"}).status_code == 200


SIZE = 4_000_000  # bytes of each body below
PREFIX = b'{"image":"data:image/png;base64,'
HEAVY = {
    "escapes in a data URL": PREFIX + b"%41" * (SIZE // 3) + b'"}',
    "percent signs": PREFIX + b"%" * SIZE + b'"}',
    "escapes in JSON": b'{"image":"' + b"\\u0041" * (SIZE // 6) + b'"}',
    "surrogate pairs in JSON": b'{"image":"' + b"\\ud83d\\ude00" * (SIZE // 12) + b'"}',
    "white space": b'{"image":"' + b"A   " * (SIZE // 4) + b'"}',
    "padding": b'{"image":"' + b"=" * SIZE + b'"}',
    "four bytes a letter": b'{"image":"' + "\N{GRINNING FACE}".encode() + b"A" * SIZE + b'"}',
    "whole numbers": b'{"image":[' + b",".join([b"9" * 4000] * (SIZE // 4001)) + b"]}",
    "a number": b'{"image":0.' + b"9" * SIZE + b"}",
    "nesting": b"[" * SIZE,
    "items": b'{"image":[' + b"1," * (SIZE // 2) + b"1]}",
    "form boundaries": part(b"\r\n--X\r\r\n" * (SIZE // 9)) + END,
    "form lines": b"\n--" * (SIZE // 3) + part(PNG) + END,
    "form headers": b"--X\r\n" + b"a: b\r\n" * (SIZE // 6),
    "form parts": part(b"", "") * (SIZE // 60) + END,
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_body_takes_time_and_memory_in_proportion_to_its_length(body: bytes) -> None:
    whole = Body(body, "", BOUNDARY["Content-Type"], 10**8)
    tracemalloc.start()
    started = time.thread_time()
    try:
        image_in(whole)
    except ClassifierError:
        pass
    finally:
        seconds, (_, peak) = time.thread_time() - started, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < 1
    assert peak < 15 * SIZE


def test_problem_quotes_no_sentence_of_a_library(client: TestClient) -> None:
    replies: list[Any] = [
        client.post("/classify", json={"image": "a"}),
        client.post("/classify", content=b"{"),
        client.post("/classify", content=b"x", headers={"Content-Encoding": "gzip"}),
        client.post("/classify", content=b"--X\r\nbad header\r\n\r\nx\r\n--X--\r\n", headers=BOUNDARY),
        client.post("/classify?top_k=x", content=PNG),
        client.post("/classify?top_k=11", content=PNG),
        client.post("/classify?explain=maybe", content=PNG),
        client.post("/huggingface?function_to_apply=x", content=PNG),
    ]
    of_libraries = ("Input should", "Expecting", "Error -3", "Did not find", "padding", "base64-encoded", "unable to")
    details = [reply.json()["detail"] for reply in replies]
    assert [detail for detail in details if any(words in detail for words in of_libraries)] == []
    assert details[-4:] == [
        "top_k: it should be a whole number, but is 'x'",
        "top_k: it should be at most 10, but is '11'",
        "explain: it should be true or false, but is 'maybe'",
        "function_to_apply: it should be 'softmax', but is 'x'",
    ]


@pytest.mark.parametrize("url", ["/v1/models/fashion-mnist:predict", "/v2/models/fashion-mnist/infer"])
def test_empty_body_is_said_to_be_empty(client: TestClient, url: str) -> None:
    reply = client.post(url, content=b" \n")
    assert (reply.status_code, reply.json()["title"]) == (400, "No image in the request")


@pytest.mark.parametrize(
    "form",
    [b"--X\r\nContent-Disposition", b"--XY\r\n", b"--X\n\n", b"--X\r\n: a\r\n\r\n", b"--X\r\na\0: b\r\n\r\n"],
    ids=["cut", "boundary", "line feeds", "no name", "null"],
)
def test_malformed_form_leaves_no_line_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, form: bytes
) -> None:
    reply = client.post("/classify", content=form, headers={"Content-Type": "multipart/form-data; boundary=X"})
    assert reply.status_code == 400, reply.text
    assert [record for record in caplog.records if record.name.startswith("python_multipart")] == []
