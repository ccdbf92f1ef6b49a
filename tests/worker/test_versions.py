"""Overwritten and deleted objects: each version has its own result."""

import json

import pytest

from handler.settings import Settings
from handler.telemetry.reports import InvocationReport
from handler.worker.worker import Worker
from infra.operations.missing import Missing
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf, event_file, refer_to_object, work_through
from tests.system.campaign.events import event_of_backfill


@pytest.fixture
def reports() -> list[InvocationReport]:
    return []


@pytest.fixture
def worker(worker_of: WorkerOf, reports: list[InvocationReport]) -> Worker:
    return worker_of(Settings(results_bucket=RESULTS), report=reports.append)


def test_each_version_has_its_own_result(aws: Cloud, worker: Worker, png: bytes, drawing: bytes) -> None:
    for body in (png, drawing, b"no image"):
        aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=body)
        work_through(aws, worker)
    assert sorted(result.get("label", "") for result in aws.results().values()) == ["", "T-shirt/top", "Trouser"]


def test_deleted_upload_has_no_result_and_no_failure(
    aws: Cloud, worker: Worker, png: bytes, reports: list[InvocationReport]
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="hidden.png", Body=png)
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key="deleted.png", Body=png)["VersionId"]
    aws.s3.delete_object(Bucket=UPLOADS, Key="hidden.png")
    aws.s3.delete_object(Bucket=UPLOADS, Key="deleted.png", VersionId=version_id)
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert aws.results() == {}
    assert (reports[0].gone, reports[0].failed) == (2, 0)


def test_version_behind_a_delete_marker_has_no_result(aws: Cloud, worker: Worker, png: bytes) -> None:
    event = event_file("sqs-one-upload.json")
    put = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)
    refer_to_object(event, put["ETag"], put["VersionId"])
    aws.s3.delete_object(Bucket=UPLOADS, Key="t-shirt.jpg")
    assert worker.handle(event) == {"batchItemFailures": []}
    assert aws.results() == {}


def test_backfill_finds_an_object_whose_delete_marker_was_removed(aws: Cloud, worker: Worker, png: bytes) -> None:
    """S3 sends no event of it; it has no result if it was hidden before the worker read it."""
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    marker = aws.s3.delete_object(Bucket=UPLOADS, Key="a.png")["VersionId"]
    work_through(aws, worker)
    missing = Missing(aws.s3, UPLOADS, RESULTS)
    assert (list(missing), aws.results()) == ([], {})
    aws.s3.delete_object(Bucket=UPLOADS, Key="a.png", VersionId=marker)
    work_through(aws, worker)
    assert aws.results() == {}
    worker.handle(json.loads(event_of_backfill(next(iter(missing)))))
    assert [result["label"] for result in aws.results().values()] == ["Trouser"]
    assert missing.compare().missing == 0


def test_overwritten_version_named_by_the_event_is_classified(
    aws: Cloud, worker: Worker, png: bytes, drawing: bytes
) -> None:
    event = event_file("sqs-one-upload.json")
    put = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)
    refer_to_object(event, put["ETag"], put["VersionId"])
    for body in (drawing, png):  # finally the same bytes again, as another version
        aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=body)
        assert worker.handle(event) == {"batchItemFailures": []}
        ((_, result),) = aws.results().items()
        assert (result["version_id"], result["label"]) == (put["VersionId"], "Trouser")


def test_unversioned_overwritten_upload_has_only_the_newer_result(
    aws: Cloud, worker: Worker, png: bytes, drawing: bytes
) -> None:
    aws.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Suspended"})
    aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=png)
    older = aws.receive()
    etag = aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=drawing)["ETag"].strip('"')
    newer = aws.receive()
    for event in (older, newer, older):
        assert worker.handle(event) == {"batchItemFailures": []}
    ((key, result),) = aws.results().items()
    assert key == f"results/{UPLOADS}/a/{etag}.json"
    assert (result["version_id"], result["etag"], result["label"]) == (None, etag, "T-shirt/top")
