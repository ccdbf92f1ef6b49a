"""The HTTP function answers incomplete and odd events of its gateways, as consoles and emulators send them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from handler.http_entry import handler
from tests.support.gateway_events import Sent, function_url_event, http_api_event, reply_body, rest_event

Wrap = Callable[[Sent], dict[str, Any]]


def load_balancer_event(sent: Sent) -> dict[str, Any]:
    """An event of an Application Load Balancer, without multi-value headers."""
    event = rest_event(sent)
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/b"}},
        **{name: event[name] for name in ("httpMethod", "path", "body", "isBase64Encoded")},
        "queryStringParameters": event["queryStringParameters"] or {},
        "headers": {name.lower(): value for name, value in event["headers"].items()},
    }


GATEWAYS = [
    pytest.param(rest_event, id="REST API"),
    pytest.param(http_api_event, id="HTTP API"),
    pytest.param(function_url_event, id="Function URL"),
    pytest.param(load_balancer_event, id="load balancer"),
]


def changed(event: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `event` with another value at the dotted `path`; without the member if the value is ABSENT."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    *parents, last = path.split(".")
    target = copy
    for name in parents:
        target = target[name]
    if value is ABSENT:
        target.pop(last, None)
    else:
        target[last] = value
    return copy


ABSENT = object()
NULLED = {
    "REST API": (
        rest_event,
        "headers multiValueHeaders queryStringParameters multiValueQueryStringParameters pathParameters "
        "stageVariables resource body isBase64Encoded requestContext.requestId requestContext.path "
        "requestContext.identity requestContext.stage requestContext.domainName requestContext.httpMethod "
        "requestContext.identity.sourceIp requestContext httpMethod path headers.Host multiValueHeaders.Host",
    ),
    "HTTP API": (
        http_api_event,
        "headers version routeKey rawPath rawQueryString cookies body isBase64Encoded requestContext.http "
        "requestContext.requestId requestContext.stage requestContext.http.sourceIp requestContext.http.path "
        "requestContext.http.method requestContext headers.host pathParameters",
    ),
    "load balancer": (
        load_balancer_event,
        "headers multiValueHeaders queryStringParameters body isBase64Encoded httpMethod headers.host",
    ),
}


@pytest.mark.parametrize("value", [None, ABSENT], ids=["null", "absent"])
@pytest.mark.parametrize(
    ("wrap", "member"), [(wrap, name) for wrap, names in NULLED.values() for name in names.split()]
)
def test_request_without_a_member_is_answered(wrap: Wrap, member: str, value: Any) -> None:
    reply = handler(changed(wrap(Sent("GET", "/labels")), member, value), None)
    assert reply["statusCode"] == 200
    assert reply_body(reply).startswith(b"{")  # not the page
    assert reply["headers"]["x-request-id"]


@pytest.mark.parametrize(
    "member", ["requestContext.requestId", "requestContext.path", "requestContext.identity", "multiValueHeaders"]
)
def test_image_in_an_event_with_nulls_is_classified(png: bytes, member: str) -> None:
    reply = handler(changed(rest_event(Sent("POST", "/classify", png)), member, None), None)
    assert json.loads(reply["body"])["label"] == "Trouser"


def test_null_path_is_taken_from_the_proxy() -> None:
    reply = handler(changed(rest_event(Sent("GET", "/health")), "path", None), None)
    assert json.loads(reply["body"]) == {"status": "ok"}


def test_smallest_event_of_a_console_is_answered() -> None:
    assert handler({"httpMethod": "GET", "path": "/health"}, None)["statusCode"] == 200
    assert handler({"rawPath": "/health", "requestContext": {"http": {"method": "GET"}}}, None)["statusCode"] == 200


def test_console_that_sends_the_number_2_as_version_is_answered() -> None:
    event = rest_event(Sent("GET", "/labels")) | {"version": 2}
    del event["resource"]
    assert handler(event, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("headers.X-Number", 5),
        ("headers.X-Half", "\ud800"),
        ("headers.X-Forwarded-Port", "https"),
        ("headers.Host", "[::1]:80"),
        ("headers.Host", "a:b:c"),
        ("multiValueHeaders.Host", ["a:80", "b:81"]),
        ("multiValueHeaders.X-Number", 5),
        ("multiValueHeaders.X-Null", [None]),
        ("queryStringParameters", {"top_k": 1}),
        ("queryStringParameters", {"a": "\ud800"}),
        ("multiValueQueryStringParameters", {"a": ["\ud800", None]}),
        ("multiValueQueryStringParameters", []),
        ("path", "/labels/\ud800"),
        ("requestContext.path", {"a": 1}),
        ("requestContext.requestId", 5),
        ("requestContext.requestId", ["a"]),
        ("requestContext.stage", 5),
        ("resource", ["/{proxy+}"]),
    ],
)
def test_request_with_an_odd_member_does_not_fail(member: str, value: Any) -> None:
    reply = handler(changed(rest_event(Sent("GET", "/labels")), member, value), None)
    assert reply["statusCode"] in (200, 404)


@pytest.mark.parametrize(
    ("member", "value"),
    [("routeKey", 0), ("rawPath", 5), ("requestContext.requestId", {}), ("requestContext.stage", [])],
)
def test_http_api_request_with_an_odd_member_does_not_fail(member: str, value: Any) -> None:
    reply = handler(changed(http_api_event(Sent("GET", "/labels")), member, value), None)
    assert reply["statusCode"] in (200, 404)


@pytest.mark.parametrize("multiple", [False, True], ids=["single", "multi-value"])
def test_load_balancer_gets_a_response_of_its_kind(png: bytes, multiple: bool) -> None:
    event = load_balancer_event(Sent("POST", "/classify", png, query="top_k=2"))
    if multiple:
        event["multiValueHeaders"] = {name: [value] for name, value in event.pop("headers").items()}
        event["multiValueQueryStringParameters"] = {"top_k": ["2"]}
        del event["queryStringParameters"]
    reply = handler(event, None)
    assert len(json.loads(reply_body(reply))["predictions"]) == 2
    assert ("headers" in reply, "multiValueHeaders" in reply) == (not multiple, multiple)


BODIES = [
    pytest.param("not base64!", id="letters"),
    pytest.param("QQ", id="without padding"),
    pytest.param("Ü===", id="not ASCII"),
    pytest.param("\ud800", id="half a surrogate pair"),
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("wrap", GATEWAYS)
def test_invalid_base64_is_a_bad_request(wrap: Wrap, body: str) -> None:
    reply = handler({**wrap(Sent("POST", "/classify")), "body": body, "isBase64Encoded": True}, None)
    assert (reply["statusCode"], json.loads(reply["body"])["title"]) == (400, "Bad request")
    assert "base64" in json.loads(reply["body"])["detail"]
    assert reply["headers"]["x-request-id"]


def test_invalid_base64_is_ignored_where_no_body_is_read() -> None:
    event = rest_event(Sent("GET", "/labels")) | {"body": "!", "isBase64Encoded": True}
    assert handler(event, None)["statusCode"] == 200


def test_base64_with_line_breaks_is_decoded(png: bytes) -> None:
    event = rest_event(Sent("POST", "/classify")) | {"isBase64Encoded": True}
    reply = handler(event | {"body": base64.encodebytes(png).decode()}, None)
    assert reply["statusCode"] == 200


def test_json_that_a_console_does_not_write_as_text_is_read(png: bytes) -> None:
    event = rest_event(Sent("POST", "/classify")) | {"isBase64Encoded": False}
    reply = handler(event | {"body": {"image": base64.b64encode(png).decode()}}, None)
    assert reply["statusCode"] == 200
