"""The Lambda handler returns the same responses to the events of each gateway as the app over HTTP."""

import gzip
import json
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from httpx2 import Request as HttpRequest
from starlette.testclient import TestClient

from handler.http_entry import handler
from tests.support.gateway_events import Sent, function_url_event, http_api_event, reply_body, rest_event
from tests.support.machine import PROJECT
from tests.support.sending import WAYS

Wrap = Callable[[Sent], dict[str, Any]]

GATEWAYS = [
    pytest.param(rest_event, id="REST API"),
    pytest.param(lambda sent: rest_event(sent, public_path="/{proxy+}"), id="REST API under sam local"),
    pytest.param(lambda sent: rest_event(sent, stage_path=""), id="REST API at a domain"),
    pytest.param(http_api_event, id="HTTP API"),
    pytest.param(lambda sent: http_api_event(sent, stage="v1"), id="HTTP API with a stage"),
    pytest.param(function_url_event, id="Function URL"),
]


def call(event: dict[str, Any]) -> dict[str, Any]:
    return handler(event, None)


@pytest.mark.parametrize("wrap", GATEWAYS)
@pytest.mark.parametrize("way", WAYS)
def test_classify_returns_the_same_result_through_each_gateway(
    client: TestClient, png: bytes, wrap: Wrap, way: str
) -> None:
    request = HttpRequest("POST", "https://localhost/classify", **WAYS[way](png))
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    reply = call(wrap(Sent("POST", "/classify", request.read(), headers, query="top_k=5")))
    assert reply["statusCode"] == 200
    assert json.loads(reply_body(reply)) == client.post("/classify?top_k=5", content=png).json()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("http-get-health.json", {"status": "ok"}), ("http-post-photo.json", {"label": "T-shirt/top", "class_id": 0})],
)
def test_sample_event_returns_200(name: str, expected: dict[str, Any]) -> None:
    reply = call(json.loads((PROJECT / "infra" / "events" / name).read_text()))
    assert reply["statusCode"] == 200
    assert json.loads(reply_body(reply)).items() >= expected.items()


@pytest.mark.parametrize("wrap", GATEWAYS)
def test_image_without_content_type_is_accepted(png: bytes, wrap: Wrap) -> None:
    assert call(wrap(Sent("POST", "/classify", png)))["statusCode"] == 200


@pytest.mark.parametrize("wrap", GATEWAYS)
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(Sent("POST", "/classify"), 400, id="no body"),
        pytest.param(Sent("POST", "/classify", b"hello"), 415, id="no image"),
        pytest.param(Sent("POST", "/classify", b"\x89PNG\r\n\x1a\n", query="top_k=11"), 422, id="wrong top_k"),
        pytest.param(Sent("GET", "/nowhere"), 404, id="no such path"),
        pytest.param(Sent("GET", "/classify"), 405, id="no such method"),
    ],
)
def test_problem_is_returned_as_text(wrap: Wrap, sent: Sent, status: int) -> None:
    reply = call(wrap(sent))
    assert (reply["statusCode"], reply["isBase64Encoded"]) == (status, False)
    assert reply["headers"]["content-type"] == "application/problem+json"
    assert json.loads(reply["body"])["status"] == status


@pytest.mark.parametrize("wrap", GATEWAYS)
@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/labels", "/model", "/health", "/v2", "/v1/models"])
def test_route_responds_through_each_gateway(client: TestClient, wrap: Wrap, path: str) -> None:
    reply = call(wrap(Sent("GET", path)))
    assert (reply["statusCode"], reply["isBase64Encoded"]) == (200, False)
    if path not in ("/", "/docs", "/openapi.json"):  # they contain the stage
        assert reply["body"] == client.get(path).text


@pytest.mark.parametrize("wrap", GATEWAYS)
@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/static/samples/t-shirt.jpg", "image/jpeg"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/swagger/swagger-ui.css", "text/css; charset=utf-8"),
        ("/swagger/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ],
)
def test_static_file_is_unchanged_by_each_gateway(client: TestClient, wrap: Wrap, path: str, content_type: str) -> None:
    reply = call(wrap(Sent("GET", path, headers={"Accept-Encoding": "gzip"})))
    assert (reply["statusCode"], reply["headers"]["content-type"]) == (200, content_type)
    body = reply_body(reply)
    is_gzip = reply["headers"].get("content-encoding") == "gzip"
    assert (gzip.decompress(body) if is_gzip else body) == client.get(path).content


STAGES = [
    pytest.param(rest_event, "/Prod", id="REST API"),
    pytest.param(lambda sent: rest_event(sent, public_path="/{proxy+}"), "", id="REST API under sam local"),
    pytest.param(lambda sent: rest_event(sent, stage_path=""), "", id="REST API at a domain"),
    pytest.param(
        lambda sent: {**rest_event(sent, stage_path="/api"), "path": f"/api{sent.path}"},
        "/api",
        id="REST API at a domain's path",
    ),
    pytest.param(http_api_event, "", id="HTTP API"),
    pytest.param(lambda sent: http_api_event(sent, stage="v1"), "/v1", id="HTTP API with a stage"),
    pytest.param(
        lambda sent: {
            **http_api_event(sent, stage="api"),
            "routeKey": "ANY /{proxy+}",
            "pathParameters": {"proxy": sent.path.strip("/")},
        },
        "/api",
        id="HTTP API at a domain's path",
    ),
    pytest.param(function_url_event, "", id="Function URL"),
]


@pytest.mark.parametrize(("wrap", "root"), STAGES)
def test_openapi_document_names_the_stage_as_its_server(wrap: Wrap, root: str) -> None:
    document = json.loads(call(wrap(Sent("GET", "/openapi.json")))["body"])
    assert [server["url"] for server in document["servers"]] == [root or "/"]


@pytest.mark.parametrize(("wrap", "root"), STAGES)
def test_page_loads_its_files_from_below_the_stage(wrap: Wrap, root: str) -> None:
    base = f"{root}/" if root else "./"
    assert f'<base href="{base}">' in call(wrap(Sent("GET", "/")))["body"]


@pytest.mark.parametrize(("wrap", "root"), STAGES)
def test_docs_page_loads_its_files_by_relative_addresses(wrap: Wrap, root: str) -> None:
    documentation = call(wrap(Sent("GET", "/docs")))["body"]
    addresses = re.findall(r'(?:src|href)="(.+?)"', documentation)
    assert len(addresses) == 5
    assert "<base" not in documentation
    for address in addresses:
        path = urljoin(f"{root}/docs", address)
        reply = call(wrap(Sent("GET", path.removeprefix(root), headers={"Accept-Encoding": "gzip"})))
        assert reply["statusCode"] == 200, path


@pytest.mark.parametrize(("wrap", "root"), STAGES)
@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        pytest.param("/labels/", "", "/labels", id="no query"),
        pytest.param("/v2/models/", "a=b%2F", "/v2/models?a=b%2F", id="a query"),
    ],
)
def test_redirect_is_relative_and_stays_below_the_stage(
    wrap: Wrap, root: str, path: str, query: str, target: str
) -> None:
    reply = call(wrap(Sent("GET", path, query=query, headers={"Host": "evil.example", "host": "evil.example"})))
    location = reply["headers"]["location"]
    assert reply["statusCode"] == 307
    assert "evil" not in location
    assert urljoin(f"https://api.example{root}{path}", location) == f"https://api.example{root}{target}"


@pytest.mark.parametrize("public_path", ["/Prod", "/Prod/"])
def test_page_is_served_at_the_stage_with_and_without_slash(public_path: str) -> None:
    reply = call(rest_event(Sent("GET", "/"), public_path=public_path))
    assert (reply["statusCode"], reply["headers"]["content-type"]) == (200, "text/html; charset=utf-8")


def test_stage_is_not_cut_from_a_path_that_shares_its_prefix() -> None:
    event = http_api_event(Sent("GET", "/labels"))
    event["requestContext"]["stage"] = "lab"
    assert call(event)["statusCode"] == 200


def test_broken_form_is_not_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    call(rest_event(Sent("POST", "/classify", b"--b\r\n", {"Content-Type": "multipart/form-data; boundary=b"})))
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
