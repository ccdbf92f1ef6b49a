"""What API Gateway answers by itself, without the app: errors in the shape of the app's own."""

import json

import pytest
from starlette.testclient import TestClient

from handler.api.problems import MEDIA_TYPE, Problem
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
    """What the gateway answers: `messageString` is the message as JSON, with its quotes."""
    template = RESPONSES[response_type]["ResponseTemplates"]["application/json"]
    text = template.replace("$context.error.messageString", json.dumps('it says "no"'))
    assert "$" not in text
    return Problem.model_validate_json(text)


def test_each_kind_of_error_of_the_gateway_has_its_reply() -> None:
    assert set(RESPONSES) == set(STATUS)


@pytest.mark.parametrize("response_type", STATUS)
def test_an_error_of_the_gateway_is_a_problem_with_its_status(response_type: str) -> None:
    problem = rendered(response_type)
    assert problem.status == STATUS[response_type]
    assert problem.error == problem.detail
    headers = RESPONSES[response_type]["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == f"'{MEDIA_TYPE}'"
    assert headers["X-Request-Id"] == "context.requestId"
    assert "Access-Control-Allow-Origin" in headers
    assert ("Retry-After" in headers) == (problem.status == 429)


@pytest.mark.parametrize("response_type", STATUS)
def test_the_status_is_set_for_each_kind_and_not_for_the_fallbacks_which_might_replace_it(response_type: str) -> None:
    expected = None if response_type.startswith("DEFAULT") else str(STATUS[response_type])
    assert RESPONSES[response_type].get("StatusCode") == expected


def test_the_gateway_says_of_an_unknown_path_what_the_app_says(client: TestClient) -> None:
    assert rendered("MISSING_AUTHENTICATION_TOKEN").model_dump() == client.get("/nowhere").json()
