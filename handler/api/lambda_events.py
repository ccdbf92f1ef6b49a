"""Lambda events of HTTP requests: complete what consoles and emulators send, and name every other event in an error.

Accepted are REST APIs and HTTP APIs of API Gateway, Function URLs and Application Load Balancers. Their consoles,
emulators and tests leave members out or send null for them; Mangum expects every member.
"""

import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.errors import BadRequest

# Of ASGI's "aws.event": set if the event's body is not what the event says.
_INVALID_BODY: Final = "handler.invalid_body"

_HOST: Final = re.compile(r"[\w.-]{1,255}(:\d{1,5})?", re.ASCII)
_PORT: Final = re.compile(r"\d{1,5}", re.ASCII)
_PARSED_HEADERS: Final = {"host": _HOST, "x-forwarded-port": _PORT}  # by Mangum, which fails for any others
_MAX_NAMED: Final = 5  # members of an event in an error
_MAX_NAME_CHARACTERS: Final = 40


class UnsupportedEvent(ValueError):
    """The function was invoked with something that is no HTTP request."""


class UndecodableBody:
    """ASGI middleware between Mangum and the app: reading a body that is not valid base64 raises BadRequest."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_invalid = _INVALID_BODY in scope["aws.event"]
        await self.app(scope, _refuse if is_invalid else receive, send)


def http_event(event: Any) -> dict[str, Any]:
    """The HTTP request in `event`, complete, and with its body as bytes. Raises UnsupportedEvent."""
    other = _other_kind(event)
    if other:
        raise UnsupportedEvent(
            f"this function answers HTTP requests, but was invoked with {other}; it takes events of REST APIs, "
            "HTTP APIs, Function URLs and Application Load Balancers"
        )
    return _with_body(_of_http_api(event) if _is_http_api(event) else _of_rest_api(event))


async def _refuse() -> Message:
    raise BadRequest("the body is not valid base64, as the event of the request says")


def _other_kind(event: Any) -> str | None:  # noqa: PLR0911, PLR0912  a table
    match event:
        case {"Records": [{"cf": _}, *_]}:
            return "an event of CloudFront (Lambda@Edge)"
        case {"Records": [{"eventSource": str(source)} | {"EventSource": str(source)}, *_]}:
            return f"records of {source[:_MAX_NAME_CHARACTERS]!r}"
        case {"methodArn": _} | {"routeArn": _} | {"authorizationToken": _}:
            return "a request to an API Gateway authorizer"
        case {"requestPayload": _} | {"responsePayload": _} | {"requestContext": {"condition": _}}:
            return "a record for a Lambda destination"
        case {"raw_path": _} | {"requestContext": {"serviceNetworkArn": _} | {"serviceArn": _}}:
            return "a request of VPC Lattice"
        case {"requestContext": {"connectionId": _}}:
            return "a WebSocket event of API Gateway"
        case {"httpMethod": _} | {"requestContext": {"http": _} | {"httpMethod": _} | {"elb": _}} | {"rawPath": _}:
            return None
        case {"detail-type": kind}:
            return f"an EventBridge event, {str(kind)[:_MAX_NAME_CHARACTERS]!r}"
        case {"invocationSchemaVersion": _, "tasks": _}:
            return "a job of S3 Batch Operations"
        case {"Event": "s3:TestEvent"}:
            return "a test event of S3"
        case {"triggerSource": _}:
            return "a Cognito trigger"
        case {"RequestType": _, "ResponseURL": _}:
            return "a custom resource of CloudFormation"
        case {"awslogs": _}:
            return "CloudWatch logs"
        case dict():
            names = ", ".join(repr(str(name)[:_MAX_NAME_CHARACTERS]) for name in list(event)[:_MAX_NAMED])
            return f"an event of an unknown kind, with the members {names}" if names else "an empty event"
    return f"a {type(event).__name__} in place of an event"


def _is_http_api(event: Mapping[str, Any]) -> bool:
    """Whether the payload has version 2.0. API Gateway's test console sends the number 2 with version 1.0."""
    context = _mapping(event.get("requestContext"))
    return event.get("httpMethod") is None and ("http" in context or "rawPath" in event)


def _of_http_api(event: Mapping[str, Any]) -> dict[str, Any]:
    context = _context(event)
    path = _text(event.get("rawPath") or "/")
    http = {"method": "GET", "path": path, "sourceIp": ""} | _texts(context.get("http"))
    return {
        **_mapping(event),
        **_common(event),
        "version": "2.0",
        "rawQueryString": _text(event.get("rawQueryString") or ""),
        "cookies": _list(event.get("cookies")),
        "requestContext": {**context, "http": {**http, "path": http["path"] or "/"}},
    }


def _of_rest_api(event: Mapping[str, Any]) -> dict[str, Any]:
    """Also of a load balancer, which has the same members."""
    context = _context(event)
    proxy = _mapping(event.get("pathParameters")).get("proxy")
    repaired = {
        **_mapping(event),
        **_common(event),
        "version": "1.0",
        "path": _text(event.get("path") or (f"/{proxy}" if proxy else "/")),
        "httpMethod": _text(event.get("httpMethod") or context.get("httpMethod") or "GET"),
        "requestContext": {**context, "identity": _texts(context.get("identity"))},
    }
    readers = {
        "multiValueHeaders": _lists,
        "multiValueQueryStringParameters": _lists,
        "queryStringParameters": _texts,
    }
    for name, read in readers.items():
        if isinstance(event.get(name), Mapping):
            repaired[name] = read(event[name])
        else:  # a load balancer sends either the lists or the texts, and expects the same in the response
            repaired.pop(name, None)
    return repaired


def _common(event: Mapping[str, Any]) -> dict[str, Any]:
    headers = _texts(event.get("headers"))
    return {
        "headers": {name: value for name, value in headers.items() if _is_parsable(name, value)},
        "pathParameters": _texts(event.get("pathParameters")),
        **_with_texts(event, "rawPath", "resource", "routeKey"),
    }


def _context(event: Mapping[str, Any]) -> dict[str, Any]:
    context = _mapping(event.get("requestContext"))
    return context | _with_texts(context, "path", "requestId", "stage")


def _with_texts(members: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Those of `members` that must be text if they are there."""
    return {name: _text(members[name]) for name in names if members.get(name) is not None}


def _with_body(event: dict[str, Any]) -> dict[str, Any]:
    body, is_base64 = event.get("body") or "", event.get("isBase64Encoded") in (True, "true")
    text = body if isinstance(body, str) else json.dumps(body)  # consoles let people write JSON in place of text
    decoded = _from_base64(text) if is_base64 else text.encode("utf-8", "replace")
    invalid = {_INVALID_BODY: True} if decoded is None else {}
    return {**event, **invalid, "body": decoded or b"", "isBase64Encoded": False}


def _from_base64(text: str) -> bytes | None:
    """None if `text` is not base64 (RFC 4648, section 4); line breaks and spaces are allowed."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        compact = "".join(text.split())
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except ValueError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    """`value` without its nulls; empty if it is no mapping."""
    members = value.items() if isinstance(value, Mapping) else ()
    return {name: member for name, member in members if member is not None}


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(member) for name, member in _mapping(value).items()}


def _lists(value: Any) -> dict[str, list[str]]:
    lists = {_text(name): _list(member) for name, member in _mapping(value).items()}
    return {name: texts for name, texts in lists.items() if texts and _is_parsable(name, ", ".join(texts))}


def _list(value: Any) -> list[str]:
    return [_text(each) for each in (value if isinstance(value, list) else [value]) if each is not None]


def _text(value: Any) -> str:
    """`value` as text that UTF-8 can encode."""
    if isinstance(value, str) and value.isascii():
        return value
    return str(value).encode("utf-8", "replace").decode()


def _is_parsable(name: str, value: str) -> bool:
    pattern = _PARSED_HEADERS.get(name.lower())
    return pattern is None or pattern.fullmatch(value) is not None
