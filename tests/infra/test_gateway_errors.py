"""Errors of API Gateway itself have the format of the app's errors."""

import json

import pytest
from starlette.testclient import TestClient

from handler.api.problems import MEDIA_TYPE
from handler.api.schemas import Problem
from tests.support.template import RESOURCES

RESPONSES = RESOURCES["Api"]["Properties"]["GatewayResponses"]
STATUS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 502,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 502,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}


def rendered(response_type: str) -> Problem:
    """The gateway's response; `messageString` is a quoted JSON string."""
    template = RESPONSES[response_type]["ResponseTemplates"]["application/json"]
    text = template.replace("$context.error.messageString", json.dumps('it says "no"'))
    assert "$" not in text
    return Problem.model_validate_json(text)


def test_every_gateway_error_type_has_a_response() -> None:
    assert set(RESPONSES) == set(STATUS)


@pytest.mark.parametrize("response_type", STATUS)
def test_gateway_error_is_a_problem_with_its_status(response_type: str) -> None:
    problem = rendered(response_type)
    assert problem.status == STATUS[response_type]
    assert problem.error == problem.detail
    headers = RESPONSES[response_type]["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == f"'{MEDIA_TYPE}'"
    assert headers["X-Request-Id"] == "context.requestId"
    assert "Access-Control-Allow-Origin" in headers
    assert ("Retry-After" in headers) == (problem.status == 429)


@pytest.mark.parametrize("response_type", STATUS)
def test_status_code_is_set_except_for_fallbacks(response_type: str) -> None:
    expected = None if response_type.startswith("DEFAULT") else str(STATUS[response_type])
    assert RESPONSES[response_type].get("StatusCode") == expected


def test_unknown_path_gets_the_same_error_from_gateway_and_app(client: TestClient) -> None:
    assert rendered("MISSING_AUTHENTICATION_TOKEN").model_dump() == client.get("/nowhere").json()
