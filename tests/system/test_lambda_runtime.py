"""Both functions in AWS's runtime client: logs, metrics and the request id that connects them."""

import json
from typing import Any

import httpx2
import pytest

from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS, Cloud
from tests.support.cloudwatch import metrics_in
from tests.support.gateway_events import Sent, rest_event
from tests.support.lambda_service import Invoked, invoke

pytest.importorskip("runtime_client", reason="AWS's runtime client needs Linux")
pytestmark = pytest.mark.slow


@pytest.fixture
def environment(aws: Cloud) -> dict[str, str]:
    return {
        **CREDENTIALS,
        "METRICS_NAMESPACE": "shop",
        "RESULTS_BUCKET": RESULTS,
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{aws.port}",
        "UPLOADS_BUCKET": UPLOADS,
    }


def request(sent: Sent, request_id: str) -> dict[str, Any]:
    event = rest_event(sent)
    event["requestContext"]["requestId"] = request_id
    return event


def lines_of(invoked: Invoked, request_id: str) -> list[dict[str, Any]]:
    return [line for line in invoked.log if line.get("request_id") == request_id and "_aws" not in line]


def test_request_id_is_in_logs_and_result_of_its_upload(aws: Cloud, environment: dict[str, str], png: bytes) -> None:
    api = invoke("handler.http_entry.handler", [request(Sent("POST", "/uploads"), "order-7")], environment)
    ticket = json.loads(api.replies[0]["body"])
    httpx2.post(ticket["url"], data=ticket["fields"], files={"file": png}, timeout=60).raise_for_status()
    worker = invoke("handler.s3_entry.handler", [aws.receive()], environment)
    assert worker.replies == [{"batchItemFailures": []}]
    (result,) = aws.results().values()
    assert (result["label"], result["request_id"]) == ("Trouser", "order-7")
    (access,), (upload,) = lines_of(api, "order-7"), lines_of(worker, "order-7")
    assert (access["path"], access["status"], access["requestId"]) == ("/Prod/uploads", 201, "invocation-1")
    assert (upload["key"], upload["status"], upload["label"]) == (f"api/{ticket['id']}", "done", "Trouser")
    (work,) = [line for line in worker.log if line.get("logger") == "handler.worker"]
    assert (work["done"], work["messages_failed"], work["cold"]) == (1, 0, True)


def test_restore_precedes_requests_and_warm_up_is_not_measured(environment: dict[str, str], png: bytes) -> None:
    events = [request(Sent("POST", "/classify", png), "one"), request(Sent("GET", "/health"), "two")]
    api = invoke("handler.http_entry.handler", events, environment)
    assert api.asked[:2] == ["restore/next", "invocation/next"]
    assert [reply["statusCode"] for reply in api.replies] == [200, 200]
    assert [line["request_id"] for line in api.log if line.get("logger") == "handler.access"] == ["one", "two"]
    metrics = metrics_in("\n".join(map(json.dumps, api.log)))
    assert {name: len(values) for (_, name, _), values in metrics.items()} == dict.fromkeys(
        ["Latency", "ColdStart", "ServerErrors", "Unknown", "Score", "Rejected", "Trouser"], 1
    )
