"""Events of a Function URL, as a stack with FrontDoor=FunctionUrl gets them: text and base64, cookies, signatures."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.http_entry import handler
from tests.support.gateway_events import Sent, as_text, function_url_event, reply_body
from tests.support.tensor_requests import INFER, document


def call(event: dict[str, Any]) -> dict[str, Any]:
    return handler(event, None)


def test_json_is_the_same_as_text_and_as_base64() -> None:
    sent = Sent("POST", INFER, document()["content"].encode(), {"Content-Type": "application/json"})
    in_base64 = function_url_event(sent)
    as_base64, text = call(in_base64), call(as_text(in_base64))
    assert as_base64["statusCode"] == text["statusCode"] == 200, text["body"]
    assert json.loads(text["body"])["outputs"] == json.loads(as_base64["body"])["outputs"]


def test_image_as_base64_is_classified_as_over_http(client: TestClient, png: bytes) -> None:
    event = function_url_event(Sent("POST", "/classify", png, {"Content-Type": "image/png"}))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == png
    assert json.loads(call(event)["body"]) == client.post("/classify", content=png).json()


def test_body_that_is_no_base64_is_a_problem() -> None:
    event = {**function_url_event(Sent("POST", "/classify")), "body": "%%%", "isBase64Encoded": True}
    reply = call(event)
    assert (reply["statusCode"], json.loads(reply["body"])["title"]) == (400, "Bad request")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("top_k=3", 200, id="one"),
        pytest.param("top%5Fk=3", 200, id="escaped name"),
        pytest.param("top_k=%33", 200, id="escaped value"),
        pytest.param("top_k=3&explain=false", 200, id="two"),
        pytest.param("top_k=3%2C4", 422, id="comma"),
    ],
)
def test_raw_query_counts_and_not_its_joined_form(png: bytes, query: str, status: int) -> None:
    """Lambda joins repeated parameters with commas in queryStringParameters, where a comma may also be a value's."""
    event = function_url_event(Sent("POST", "/classify", png, query=query))
    event["queryStringParameters"] = {"top_k": "11"}
    reply = call(event)
    assert reply["statusCode"] == status
    assert status != 200 or len(json.loads(reply["body"])["predictions"]) == 3


def test_cookies_which_lambda_takes_out_of_the_headers_change_nothing(client: TestClient) -> None:
    event = {**function_url_event(Sent("GET", "/labels")), "cookies": ["session=a%20b", "theme=dark"]}
    reply = call(event)
    assert (reply["statusCode"], reply["body"]) == (200, client.get("/labels").text)
    assert "set-cookie" not in {name.lower() for name in reply["headers"]}


def test_signed_request_is_answered() -> None:
    event = function_url_event(Sent("GET", "/health", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=..."}))
    event["requestContext"]["authorizer"] = {"iam": {"accountId": "123456789012", "userArn": "arn:aws:iam::1:user/a"}}
    assert call(event)["statusCode"] == 200


def test_binary_reply_is_base64_without_declared_media_types(client: TestClient) -> None:
    path = "/static/samples/t-shirt.jpg"
    reply = call(function_url_event(Sent("GET", path)))
    assert reply["isBase64Encoded"]
    assert reply_body(reply) == client.get(path).content


def test_head_has_headers_and_no_body(client: TestClient) -> None:
    reply = call(function_url_event(Sent("HEAD", "/labels")))
    assert (reply["statusCode"], reply["body"]) == (200, "")
    assert reply["headers"]["content-length"] == client.get("/labels").headers["content-length"]
