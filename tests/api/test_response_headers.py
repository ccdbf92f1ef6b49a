"""Headers of every response: security and caching; HEAD wherever GET is; redirects that repeat no Host."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.http_entry import handler
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from tests.support.broken_classifier import BrokenClassifier
from tests.support.gateway_events import Sent, http_api_event, rest_event

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-resource-policy": "same-origin",
}
PNG_START = b"\x89PNG\r\n\x1a\n"

REQUESTS = [
    pytest.param(Sent("GET", "/health"), 200, "no-store", id="success"),
    pytest.param(Sent("GET", "/"), 200, "no-cache", id="page"),
    pytest.param(Sent("GET", "/docs"), 200, "no-cache", id="documentation"),
    pytest.param(Sent("GET", "/openapi.json"), 200, "no-cache", id="OpenAPI document"),
    pytest.param(Sent("GET", "/static/app.js"), 200, "no-cache", id="static file"),
    pytest.param(Sent("GET", "/static/no.js"), 404, "no-store", id="no such file"),
    pytest.param(Sent("GET", "/nowhere"), 404, "no-store", id="no such path"),
    pytest.param(Sent("GET", "/labels/"), 307, "no-store", id="redirect"),
    pytest.param(Sent("GET", "/classify"), 405, "no-store", id="no such method"),
    pytest.param(Sent("OPTIONS", "/labels"), 405, "no-store", id="OPTIONS"),
    pytest.param(Sent("POST", "/classify"), 400, "no-store", id="no body"),
    pytest.param(Sent("POST", "/classify", b"hello"), 415, "no-store", id="no image"),
    pytest.param(Sent("POST", "/classify", PNG_START), 422, "no-store", id="broken image"),
    pytest.param(Sent("HEAD", "/nowhere"), 404, "no-store", id="HEAD of no such path"),
]


def _check(headers: Any, cache_control: str) -> None:
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    assert headers["cache-control"] == cache_control
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(("sent", "status", "cache_control"), REQUESTS)
def test_response_has_all_headers(client: TestClient, sent: Sent, status: int, cache_control: str) -> None:
    reply = client.request(sent.method, sent.path, content=sent.body, follow_redirects=False)
    assert reply.status_code == status
    _check(reply.headers, cache_control)
    assert "strict-transport-security" not in reply.headers


@pytest.mark.parametrize("wrap", [pytest.param(rest_event, id="REST API"), pytest.param(http_api_event, id="HTTP API")])
@pytest.mark.parametrize(("sent", "status", "cache_control"), REQUESTS)
def test_response_through_a_gateway_has_all_headers(wrap: Any, sent: Sent, status: int, cache_control: str) -> None:
    reply = handler(wrap(sent), None)
    assert reply["statusCode"] == status
    _check(reply["headers"], cache_control)
    assert reply["headers"]["strict-transport-security"] == "max-age=31536000"


def test_classification_is_not_stored(client: TestClient, png: bytes) -> None:
    _check(client.post("/classify", content=png).headers, "no-store")


def test_unexpected_error_has_all_headers(card: ModelCard, png: bytes) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.post("/classify", content=png)
    assert reply.status_code == 500
    _check(reply.headers, "no-store")


def test_preflight_has_all_headers(classifier: Classifier, card: ModelCard) -> None:
    settings = Settings(cors_origins=("https://shop.example",))
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    with TestClient(create_app(classifier, card, settings)) as client:
        reply = client.options("/classify", headers=asked)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    _check(reply.headers, "no-store")


def test_https_has_strict_transport_security(client: TestClient) -> None:
    reply = client.get("https://testserver/health")
    assert reply.headers["strict-transport-security"] == "max-age=31536000"


def _paths(client: TestClient) -> list[str]:
    paths = client.get("/openapi.json").json()["paths"]
    return sorted(path for path, operations in paths.items() if "get" in operations and "{" not in path)


def test_head_of_every_get_route_is_as_get_without_the_body(client: TestClient) -> None:
    paths = ["/", "/docs", "/openapi.json", "/static/app.js", "/static/samples/bag.jpg", *_paths(client)]
    assert len(paths) > 10
    changing = {"x-request-id", "server-timing"}
    for path in paths:
        get, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert {name: value for name, value in head.headers.items() if name not in changing} == {
            name: value for name, value in get.headers.items() if name not in changing
        }, path


def test_head_through_a_gateway_has_no_body() -> None:
    get, head = (handler(rest_event(Sent(method, "/labels")), None) for method in ("GET", "HEAD"))
    assert (head["statusCode"], head["body"]) == (200, "")
    assert head["headers"]["content-length"] == get["headers"]["content-length"] == str(len(get["body"].encode()))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/labels", "GET, HEAD"),
        ("DELETE", "/static/app.js", "GET, HEAD"),
        ("OPTIONS", "/health", "GET, HEAD"),
        ("GET", "/classify", "POST"),
        ("HEAD", "/classify", "POST"),
        ("OPTIONS", "/classify/batch", "POST"),
    ],
)
def test_method_not_allowed_names_those_that_are(client: TestClient, method: str, path: str, allowed: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        pytest.param("/labels/", "../labels", id="plain"),
        pytest.param("/v2/models/?a=b%20c", "../models?a=b%20c", id="query"),
        pytest.param("/results/a%3Fb/", "../a%3Fb", id="question mark in the path"),
        pytest.param("/results/http:/", "../http%3A", id="a segment like a scheme"),
    ],
)
def test_redirect_is_relative(client: TestClient, path: str, location: str) -> None:
    reply = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (307, location)


@pytest.mark.parametrize("path", ["/nowhere/", "/labels//", "//labels/", "/static/", "/%2Fevil.example/"])
def test_other_path_with_a_trailing_slash_is_404(client: TestClient, path: str) -> None:
    reply = client.get(f"http://testserver{path}", follow_redirects=False)
    assert (reply.status_code, json.loads(reply.content)["status"]) == (404, 404)
