"""The HTTP function names events that are no HTTP requests in one error, and answers warm-up pings with nothing."""

import json
from typing import Any

import pytest

from handler.api.lambda_events import UnsupportedEvent
from handler.http_entry import handler
from tests.support.aws import event_file
from tests.support.gateway_events import HOST, Sent, http_api_event, rest_event

AUTHORIZER = {"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-central-1:1:a/b/GET/"}
OTHERS = [
    pytest.param(event_file("s3-one-upload.json"), "records of 'aws:s3'", id="S3"),
    pytest.param(event_file("sqs-one-upload.json"), "records of 'aws:sqs'", id="SQS"),
    pytest.param(event_file("sns-one-upload.json"), "records of 'aws:sns'", id="SNS"),
    pytest.param(
        event_file("eventbridge-object-created.json"), "EventBridge event, 'Object Created'", id="EventBridge"
    ),
    pytest.param(event_file("s3-batch-1.0.json"), "S3 Batch Operations", id="Batch Operations"),
    pytest.param({"Records": [{"eventSource": "aws:kinesis"}]}, "records of 'aws:kinesis'", id="Kinesis"),
    pytest.param({"Records": [{"cf": {"request": {"uri": "/"}}}]}, "Lambda@Edge", id="Lambda@Edge"),
    pytest.param(
        {"raw_path": "/", "method": "GET", "headers": {}, "query_string_parameters": {}, "is_base64_encoded": False},
        "VPC Lattice",
        id="VPC Lattice 1.0",
    ),
    pytest.param(
        {
            "version": "2.0",
            "path": "/",
            "method": "GET",
            "headers": {"host": [HOST]},
            "requestContext": {"serviceNetworkArn": "a", "serviceArn": "b", "region": "c"},
        },
        "VPC Lattice",
        id="VPC Lattice 2.0",
    ),
    pytest.param(
        {"headers": {}, "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "a"}},
        "WebSocket",
        id="WebSocket connect",
    ),
    pytest.param(
        {"requestContext": {"routeKey": "$default", "eventType": "MESSAGE", "connectionId": "a"}, "body": "hello"},
        "WebSocket",
        id="WebSocket message",
    ),
    pytest.param(
        {
            "version": "1.0",
            "requestContext": {"requestId": "a", "functionArn": "b", "condition": "RetriesExhausted"},
            "requestPayload": {},
            "responseContext": {"statusCode": 200},
        },
        "destination",
        id="destination",
    ),
    pytest.param({"type": "TOKEN", "authorizationToken": "a", "methodArn": "b"}, "authorizer", id="token authorizer"),
    pytest.param(rest_event(Sent("GET", "/labels")) | AUTHORIZER, "authorizer", id="REST API authorizer"),
    pytest.param(
        http_api_event(Sent("GET", "/labels")) | {"type": "REQUEST", "routeArn": "a"},
        "authorizer",
        id="HTTP authorizer",
    ),
    pytest.param({"triggerSource": "PreSignUp_SignUp", "version": "1"}, "Cognito", id="Cognito"),
    pytest.param({"RequestType": "Create", "ResponseURL": "https://a.example"}, "CloudFormation", id="custom resource"),
    pytest.param({"awslogs": {"data": ""}}, "CloudWatch logs", id="logs"),
    pytest.param({"Service": "Amazon S3", "Event": "s3:TestEvent"}, "test event of S3", id="S3 test"),
    pytest.param({"hello": "world", "5": None}, "'hello', '5'", id="unknown"),
    pytest.param({"requestContext": None}, "'requestContext'", id="no context"),
    pytest.param({"Records": []}, "'Records'", id="no records"),
    pytest.param([], "a list in place of an event", id="list"),
    pytest.param("hello", "a str in place of an event", id="text"),
    pytest.param(None, "a NoneType in place of an event", id="null"),
]


@pytest.mark.parametrize(("event", "name"), OTHERS)
def test_event_that_is_no_http_request_is_named_in_the_error(event: Any, name: str) -> None:
    with pytest.raises(UnsupportedEvent, match=r"answers HTTP requests, but was invoked with") as caught:
        handler(event, None)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "ping",
    [
        {},
        {"warmer": True},
        {"warmer": True, "concurrency": 3},
        {"source": "serverless-plugin-warmup"},
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "version": "0", "id": "a"},
        {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
        {"ping": True},
    ],
    ids=str,
)
def test_warm_up_ping_gets_an_empty_200(ping: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert handler(ping, None) == {"statusCode": 200, "headers": {}, "body": "", "isBase64Encoded": False}
    assert caplog.records == []


def test_request_with_a_parameter_named_as_a_ping_is_answered() -> None:
    event = rest_event(Sent("GET", "/labels")) | {"warmer": True, "source": "serverless-plugin-warmup"}
    assert json.loads(handler(event, None)["body"])
