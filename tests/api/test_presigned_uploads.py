"""Tickets for large pictures, used as a browser uses them on an emulated S3, and what the API says of the results."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from handler.api.presigned_uploads import upload_origin
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud
from tests.support.large_uploads import UNKNOWN, app_with, settings_at, upload


@pytest.fixture
def work(aws: Cloud, classifier: Classifier, card: ModelCard) -> Callable[[], object]:
    """Calling it lets the worker see what was uploaded."""
    worker = Worker(aws.s3, classifier, card, settings_at(aws.port))
    return lambda: worker.handle(aws.receive())


def policy_of(ticket: dict[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(base64.b64decode(ticket["fields"]["policy"]))
    return policy


@pytest.mark.usefixtures("aws")
def test_a_ticket_is_good_for_one_key_a_bounded_size_and_a_quarter_of_an_hour(api: TestClient) -> None:
    asked = datetime.now(UTC)
    reply = api.post("/uploads")
    ticket, policy = reply.json(), policy_of(reply.json())
    assert reply.status_code == 201
    assert {"bucket": UPLOADS} in policy["conditions"]
    assert {"key": f"api/{ticket['id']}"} in policy["conditions"]
    assert ["content-length-range", 1, ticket["max_bytes"]] in policy["conditions"]
    assert ticket["max_bytes"] == Settings().max_upload_bytes
    assert datetime.fromisoformat(ticket["expires"]) == datetime.fromisoformat(policy["expiration"])
    assert timedelta(minutes=14) < datetime.fromisoformat(ticket["expires"]) - asked < timedelta(minutes=16)
    assert ticket["result"] == f"results/{ticket['id']}"


def test_no_two_tickets_are_for_the_same_key(api: TestClient) -> None:
    assert len({api.post("/uploads").json()["fields"]["key"] for _ in range(20)}) == 20


def test_an_upload_is_pending_until_the_worker_has_seen_it_then_it_is_answered_as_by_classify(
    api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    result = upload(api, drawing)
    upload_id = result.rpartition("/")[2]
    assert api.get(result).json() == {"id": upload_id, "status": "pending"}
    work()
    assert api.get(result).json() == {
        "id": upload_id,
        "status": "done",
        **api.post("/classify", content=drawing).json(),
    }


def test_what_is_no_image_is_rejected_with_the_reason_that_classify_gives(
    api: TestClient, work: Callable[[], object]
) -> None:
    result = upload(api, b"no image")
    work()
    rejected, problem = api.get(result).json(), api.post("/classify", content=b"no image").json()
    assert rejected["status"] == "rejected"
    assert (rejected["title"], rejected["detail"]) == (problem["title"], problem["detail"])


def test_who_deletes_an_upload_is_told_no_result_of_it(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    result = upload(api, drawing)
    work()
    aws.s3.delete_object(Bucket=UPLOADS, Key=f"api/{result.rpartition('/')[2]}")
    assert api.get(result).status_code == 404


def test_who_uses_a_ticket_twice_is_told_of_the_last_picture(
    api: TestClient, work: Callable[[], object], drawing: bytes, png: bytes
) -> None:
    ticket = api.post("/uploads").json()
    for picture, label in [(drawing, "T-shirt/top"), (png, "Trouser")]:
        httpx2.post(ticket["url"], data=ticket["fields"], files={"file": picture}).raise_for_status()
        assert api.get(f"/{ticket['result']}").json()["status"] == "pending"
        work()
        assert api.get(f"/{ticket['result']}").json()["label"] == label


def test_the_id_of_the_request_for_a_ticket_is_signed_and_comes_through_to_the_result(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    reply = api.post("/uploads", headers={"X-Request-Id": "mine-1"})
    ticket = reply.json()
    assert {"x-amz-meta-request-id": "mine-1"} in policy_of(ticket)["conditions"]
    httpx2.post(ticket["url"], data=ticket["fields"], files={"file": drawing}).raise_for_status()
    work()
    assert [result["request_id"] for result in aws.results().values()] == ["mine-1"]


def test_a_ticket_that_nobody_used_has_no_result(api: TestClient) -> None:
    reply = api.get("/" + api.post("/uploads").json()["result"])
    assert (reply.status_code, reply.json()["title"]) == (404, "Not found")
    assert "nothing was uploaded" in reply.json()["detail"]


@pytest.mark.parametrize(
    "upload_id",
    [
        UNKNOWN[:-1],
        UNKNOWN + "0",
        UNKNOWN[:-1] + "g",
        "ABCDEF" + UNKNOWN[:-6],
        UNKNOWN + "%0A",
        "..%2Fx",
        "%00",
        "%FF",
        "衣服",
        "x" * 5_000,
    ],
)
def test_an_id_of_another_form_is_nowhere(api: TestClient, upload_id: str) -> None:
    reply = api.get(f"/results/{upload_id}")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_what_others_put_into_the_bucket_cannot_be_asked_for(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key=UNKNOWN, Body=drawing)
    work()
    assert [result["key"] for result in aws.results().values()] == [UNKNOWN]
    assert api.get(f"/results/{UNKNOWN}").status_code == 404


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_on_aws_a_ticket_leads_to_the_bucket_in_its_own_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings(uploads_bucket="pictures", results_bucket=RESULTS, aws_region=region)
    origin = upload_origin(settings)
    assert origin
    assert origin.startswith(f"https://pictures.s3.{region}.amazonaws.com")
    assert TestClient(app_with(settings)).post("/uploads").json()["url"] == f"{origin}/"


def test_the_page_may_post_to_where_tickets_lead_and_nowhere_else(aws: Cloud, api: TestClient) -> None:
    policy = api.get("/").headers["content-security-policy"]
    (allowed,) = [rule for rule in policy.split("; ") if rule.startswith("connect-src")]
    assert allowed.split() == ["connect-src", "'self'", f"http://127.0.0.1:{aws.port}"]
    assert api.post("/uploads").json()["url"] == f"http://127.0.0.1:{aws.port}/{UPLOADS}"


@pytest.mark.parametrize("region", [None, "eu-central-1"])
def test_without_uploads_the_page_may_post_nowhere_else(region: str | None) -> None:
    assert upload_origin(Settings(aws_region=region)) is None
