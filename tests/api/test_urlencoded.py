"""Urlencoded forms: an image as base64 or as a data URL, as `curl -d` sends it."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from starlette.testclient import TestClient

HEADERS = {"content-type": "application/x-www-form-urlencoded"}


def post(client: TestClient, body: str | bytes, path: str = "/classify") -> Any:
    return client.post(path, content=body, headers=HEADERS)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda text: urlencode({"file": text}), id="base64"),
        pytest.param(lambda text: f"file={text}", id="plus signs that are not escaped"),
        pytest.param(lambda text: urlencode({"file": f"data:image/png;base64,{text}"}), id="data URL"),
        pytest.param(lambda text: f"file={quote(text)}&top_k=3&other=", id="other fields"),
        pytest.param(lambda text: text, id="base64 alone"),
        pytest.param(base64.b64decode, id="a file, whose type curl does not know"),
    ],
)
def test_image_in_an_urlencoded_form_is_classified(client: TestClient, png: bytes, form: Any) -> None:
    reply = post(client, form(base64.b64encode(png).decode()))
    assert reply.json() == client.post("/classify", content=png).json()


def test_urlencoded_top_k_is_followed(client: TestClient, png: bytes) -> None:
    form = urlencode({"file": base64.b64encode(png), "top_k": 5})
    assert len(post(client, form).json()["predictions"]) == 5


@pytest.mark.parametrize(
    ("form", "status", "detail"),
    [
        ("file=photo.jpg", 400, "'file' is not valid base64"),
        ("file=", 400, "the form field 'file' is empty"),
        ("photo=aGVsbG8", 400, "the form has no field 'file'; its fields are ['photo']"),
        ("file=aGVsbG8", 415, "unknown image format"),
        ("&".join(["file=a"] * 101), 400, "more than 100 fields"),
    ],
)
def test_wrong_urlencoded_form_is_refused(client: TestClient, form: str, status: int, detail: str) -> None:
    reply = post(client, form)
    assert reply.status_code == status
    assert detail in reply.json()["detail"]
