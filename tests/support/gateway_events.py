"""Build AWS events for a request: REST API (payload 1.0), HTTP API (2.0) and Function URL (2.0)."""

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

HOST = "abc123.execute-api.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class Sent:
    """A request as the client sends it; `path` is without the stage."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


def rest_event(sent: Sent, stage_path: str = "/Prod", public_path: str | None = None) -> dict[str, Any]:
    """A REST API event with `BinaryMediaTypes: ["*~1*"]`, which makes every body base64.

    `public_path` is ``requestContext.path``; by default the stage followed by the path.
    """
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443", **sent.headers}
    query = dict(parse_qsl(sent.query, keep_blank_values=True))
    proxy = sent.path.strip("/")
    return {
        "resource": "/{proxy+}" if proxy else "/",
        "path": sent.path,
        "httpMethod": sent.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": {"proxy": proxy} if proxy else None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}" if proxy else "/",
            "httpMethod": sent.method,
            "path": public_path or stage_path + sent.path,
            "stage": stage_path.strip("/"),
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "192.0.2.1"},
            "domainName": HOST,
        },
        **_base64_body(sent.body),
    }


def http_api_event(sent: Sent, stage: str = "$default") -> dict[str, Any]:
    """An HTTP API event; its path includes the stage unless that is the default one."""
    path = sent.path if stage == "$default" else f"/{stage}{sent.path}"
    headers = {"host": HOST, "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": sent.query,
        "headers": headers | {name.lower(): value for name, value in sent.headers.items()},
        "requestContext": {
            "http": {"method": sent.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": stage,
            "domainName": HOST,
        },
        **_base64_body(sent.body),
    }


def function_url_event(sent: Sent) -> dict[str, Any]:
    """A Function URL event: as of an HTTP API, with another domain, and members that only documentation shows.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    event = http_api_event(sent)
    host = "abc123.lambda-url.eu-central-1.on.aws"
    event["headers"]["host"] = event["requestContext"]["domainName"] = host
    event["requestContext"] |= {
        "accountId": "anonymous",
        "apiId": "abc123",
        "authentication": None,
        "authorizer": None,
        "domainPrefix": "abc123",
        "requestId": "8f2b7a4e-0c1d-4c62-9f8e-3f1f2b6f0a11",
        "routeKey": "$default",
        "time": "27/Nov/2026:07:00:00 +0000",
        "timeEpoch": 1795762800000,
    }
    query = parse_qsl(sent.query, keep_blank_values=True)
    joined = {name: ",".join(each for key, each in query if key == name) for name, _ in query}
    return {**event, "queryStringParameters": joined or None, "pathParameters": None, "stageVariables": None}


def as_text(event: dict[str, Any]) -> dict[str, Any]:
    """`event` with its body as text, as Function URLs and HTTP APIs send JSON and other text."""
    return {**event, "body": base64.b64decode(event["body"]).decode(), "isBase64Encoded": False}


def reply_body(reply: dict[str, Any]) -> bytes:
    """The body that the client receives for the function's response."""
    body = str(reply["body"])
    return base64.b64decode(body) if reply["isBase64Encoded"] else body.encode()


def _base64_body(body: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(body).decode() if body else None, "isBase64Encoded": bool(body)}
