"""Presigned uploads: tickets, used as by a browser on an emulated S3, and the results that the API returns."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from botocore.session import Session
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.api.presigned_uploads import upload_origin
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud
from tests.support.large_uploads import UNKNOWN, app_with, settings_at, upload


@pytest.fixture
def work(aws: Cloud, classifier: Classifier, card: ModelCard) -> Callable[[], object]:
    """A function that runs the worker on the uploads."""
    worker = Worker(aws.s3, classifier, card, settings_at(aws.port))
    return lambda: worker.handle(aws.receive())


@pytest.fixture(scope="module")
def shared_api(aws_port: int, classifier: Classifier, card: ModelCard) -> TestClient:
    """For requests that never reach S3: buckets are not emptied between tests."""
    return TestClient(create_app(classifier, card, settings_at(aws_port)))


def policy_of(ticket: dict[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(base64.b64decode(ticket["fields"]["policy"]))
    return policy


@pytest.mark.usefixtures("aws")
def test_ticket_is_limited_to_one_key_a_size_and_15_minutes(api: TestClient) -> None:
    requested = datetime.now(UTC)
    reply = api.post("/uploads")
    ticket, policy = reply.json(), policy_of(reply.json())
    assert reply.status_code == 201
    assert {"bucket": UPLOADS} in policy["conditions"]
    assert {"key": f"api/{ticket['id']}"} in policy["conditions"]
    assert ["content-length-range", 1, ticket["max_bytes"]] in policy["conditions"]
    assert ticket["max_bytes"] == Settings().max_upload_bytes
    assert datetime.fromisoformat(ticket["expires"]) == datetime.fromisoformat(policy["expiration"])
    assert timedelta(minutes=14) < datetime.fromisoformat(ticket["expires"]) - requested < timedelta(minutes=16)
    assert ticket["result"] == f"results/{ticket['id']}"


def test_tickets_have_distinct_keys(api: TestClient) -> None:
    assert len({api.post("/uploads").json()["fields"]["key"] for _ in range(20)}) == 20


def test_upload_is_pending_until_its_result_is_stored(
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


def test_rejected_upload_has_the_problem_of_classify(api: TestClient, work: Callable[[], object]) -> None:
    result = upload(api, b"no image")
    work()
    rejected, problem = api.get(result).json(), api.post("/classify", content=b"no image").json()
    assert rejected["status"] == "rejected"
    assert (rejected["title"], rejected["detail"]) == (problem["title"], problem["detail"])


def test_get_result_of_deleted_upload_is_404(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    result = upload(api, drawing)
    work()
    aws.s3.delete_object(Bucket=UPLOADS, Key=f"api/{result.rpartition('/')[2]}")
    assert api.get(result).status_code == 404


def post_to(ticket: dict[str, Any], image: bytes) -> int:
    """Status of an upload with `ticket`."""
    return httpx2.post(ticket["url"], data=ticket["fields"], files={"file": image}, timeout=60).status_code


def test_ticket_used_twice_is_refused_and_keeps_the_first_result(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes, png: bytes
) -> None:
    ticket = api.post("/uploads").json()
    assert [post_to(ticket, image) for image in (drawing, png)] == [204, 412]
    work()
    assert post_to(ticket, png) == 412
    assert aws.receive()["Records"] == []
    assert api.get(f"/{ticket['result']}").json()["label"] == "T-shirt/top"


@pytest.mark.usefixtures("aws")
def test_only_one_of_simultaneous_uploads_with_a_ticket_is_stored(api: TestClient, png: bytes) -> None:
    ticket = api.post("/uploads").json()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post_to, [ticket] * 8, [png] * 8))
    assert sorted(statuses) == [204] + [412] * 7


@pytest.mark.usefixtures("aws")
def test_policy_requires_the_field_that_makes_a_ticket_usable_once(api: TestClient) -> None:
    ticket = api.post("/uploads").json()
    assert ticket["fields"]["If-None-Match"] == "*"
    assert {"If-None-Match": "*"} in policy_of(ticket)["conditions"]


@pytest.mark.usefixtures("aws")
def test_every_field_of_a_ticket_is_covered_by_its_policy(api: TestClient) -> None:
    """S3 answers 403 to fields that no condition covers, but for the policy itself, its signature and the file."""
    ticket = api.post("/uploads", headers={"X-Request-Id": "mine-1"}).json()
    covered = {name for each in policy_of(ticket)["conditions"] if isinstance(each, dict) for name in each}
    assert set(ticket["fields"]) - covered == {"policy", "x-amz-signature", "Content-Type"}
    assert ["starts-with", "$Content-Type", "image/"] in policy_of(ticket)["conditions"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({}, 204, id="as issued"),
        pytest.param({"Content-Type": "image/jpeg"}, 204, id="type of the image"),
        pytest.param({"Content-Type": "text/html"}, 403, id="type of a page"),
        pytest.param({"Content-Type": ""}, 403, id="no type"),
        pytest.param({"key": "api/other"}, 403, id="another key"),
        pytest.param({"x-amz-acl": "public-read"}, 403, id="uncovered field"),
    ],
)
def test_form_may_name_the_type_of_the_image_and_nothing_else(
    fields: dict[str, str], status: int, aws: Cloud, api: TestClient, png: bytes
) -> None:
    ticket = api.post("/uploads").json()
    ticket["fields"] |= fields
    assert post_to(ticket, png) == status
    if status == 204:
        stored = aws.s3.head_object(Bucket=UPLOADS, Key=ticket["fields"]["key"])
        assert stored["ContentType"] == ticket["fields"]["Content-Type"]


@pytest.mark.parametrize(("size", "status"), [(0, 400), (1, 204), (1000, 204), (1001, 400)])
def test_upload_above_the_size_of_the_ticket_is_refused(size: int, status: int, aws: Cloud) -> None:
    api = TestClient(app_with(replace(settings_at(aws.port), max_upload_bytes=1000)))
    assert post_to(api.post("/uploads").json(), b"x" * size) == status


def test_request_id_is_signed_in_the_ticket_and_stored_in_the_result(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    reply = api.post("/uploads", headers={"X-Request-Id": "mine-1"})
    ticket = reply.json()
    assert {"x-amz-meta-request-id": "mine-1"} in policy_of(ticket)["conditions"]
    httpx2.post(ticket["url"], data=ticket["fields"], files={"file": drawing}, timeout=60).raise_for_status()
    work()
    assert [result["request_id"] for result in aws.results().values()] == ["mine-1"]


def test_get_result_of_unused_ticket_is_404(api: TestClient) -> None:
    reply = api.get("/" + api.post("/uploads").json()["result"])
    assert (reply.status_code, reply.json()["title"]) == (404, "Not found")
    assert "no upload with this id" in reply.json()["detail"]


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
def test_get_result_of_malformed_id_is_404(shared_api: TestClient, upload_id: str) -> None:
    reply = shared_api.get(f"/results/{upload_id}")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_get_result_of_foreign_object_is_404(
    aws: Cloud, api: TestClient, work: Callable[[], object], drawing: bytes
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key=UNKNOWN, Body=drawing)
    work()
    assert [result["key"] for result in aws.results().values()] == [UNKNOWN]
    assert api.get(f"/results/{UNKNOWN}").status_code == 404


def regions() -> list[str]:
    """One region of each partition that botocore knows."""
    session = Session()
    return [session.get_available_regions("s3", each)[-1] for each in session.get_available_partitions()]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", *regions()])
def test_ticket_url_is_the_bucket_in_its_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings(uploads_bucket="images", results_bucket=RESULTS, aws_region=region)
    origin = upload_origin(settings)
    assert origin
    assert origin.startswith(f"https://images.s3.{region}.")
    assert TestClient(app_with(settings)).post("/uploads").json()["url"] == f"{origin}/"


def test_page_policy_allows_the_upload_origin_and_images_elsewhere(aws: Cloud, api: TestClient) -> None:
    policy = api.get("/").headers["content-security-policy"]
    (allowed,) = [rule for rule in policy.split("; ") if rule.startswith("connect-src")]
    assert allowed.split() == ["connect-src", "'self'", "https:", f"http://127.0.0.1:{aws.port}"]
    assert api.post("/uploads").json()["url"] == f"http://127.0.0.1:{aws.port}/{UPLOADS}"


@pytest.mark.parametrize("region", [None, "eu-central-1"])
def test_upload_origin_without_buckets_is_none(region: str | None) -> None:
    assert upload_origin(Settings(aws_region=region)) is None
