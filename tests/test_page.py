"""The page: one file that brings all it needs and finds the API from wherever it is served."""

import re

import pytest
from starlette.testclient import TestClient

from handler.api import PAGE_PATH

PAGE = PAGE_PATH.read_text(encoding="utf-8")


def test_the_page_is_served_with_a_policy_that_keeps_it_to_this_host(client: TestClient) -> None:
    reply = client.get("/")
    assert reply.text == PAGE
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"].startswith("default-src 'none';")


def test_nothing_is_loaded_from_elsewhere() -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', PAGE) + re.findall(r'(?:ask|fetch)\("([^"]*)"', PAGE)
    assert "classify?top_k=10" in addresses
    assert [address for address in addresses if re.match(r"/|https?:|//", address)] == []
    assert re.findall(r"https?://[^'\"\s]*", PAGE) == ["http://www.w3.org/2000/svg"]  # a name, not a link


@pytest.mark.parametrize("path", ["docs", "model", "labels"])
def test_what_the_page_links_to_is_there(client: TestClient, path: str) -> None:
    assert f'"{path}"' in PAGE
    assert client.get(f"/{path}").status_code == 200


def test_every_text_has_a_chinese_form() -> None:
    chinese = PAGE[PAGE.index("chinese ? {") : PAGE.index("} : {")]
    keys = set(re.findall(r'data-text="(\w+)"', PAGE)) | {"picture", "away", "413", "415", "422"}
    assert {key for key in keys if f"{key}: " not in chinese} == set()


def test_the_page_tells_assistive_technology_what_happens() -> None:
    assert '<html lang="en">' in PAGE
    assert re.search(r"<label[^>]*>\s*<input[^>]*type=\"file\"", PAGE)
    assert 'role="alert"' in PAGE
    assert 'aria-live="polite"' in PAGE
