"""Objects that are overwritten or deleted, before the worker sees them or after: each version stands for itself."""

import pytest

from handler.settings import Settings
from handler.telemetry.work_reports import WorkReport
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf, event_file, let_be_about, work_through


@pytest.fixture
def reports() -> list[WorkReport]:
    return []


@pytest.fixture
def worker(worker_of: WorkerOf, reports: list[WorkReport]) -> Worker:
    return worker_of(Settings(results_bucket=RESULTS), report=reports.append)


def test_each_version_of_an_object_has_a_result_of_its_own(
    aws: Cloud, worker: Worker, png: bytes, drawing: bytes
) -> None:
    for body in (png, drawing, b"no image"):
        aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=body)
        work_through(aws, worker)
    assert sorted(result.get("label", "") for result in aws.results().values()) == ["", "T-shirt/top", "Trouser"]


def test_an_upload_that_was_deleted_meanwhile_is_done_with(
    aws: Cloud, worker: Worker, png: bytes, reports: list[WorkReport]
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="hidden.png", Body=png)
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key="deleted.png", Body=png)["VersionId"]
    aws.s3.delete_object(Bucket=UPLOADS, Key="hidden.png")
    aws.s3.delete_object(Bucket=UPLOADS, Key="deleted.png", VersionId=version_id)
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert aws.results() == {}
    assert (reports[0].gone, reports[0].failed) == (2, 0)


def test_a_version_that_a_delete_marker_hides_is_done_with(aws: Cloud, worker: Worker, png: bytes) -> None:
    event = event_file("sqs-one-upload.json")
    put = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)
    let_be_about(event, put["ETag"], put["VersionId"])
    aws.s3.delete_object(Bucket=UPLOADS, Key="t-shirt.jpg")
    assert worker.handle(event) == {"batchItemFailures": []}
    assert aws.results() == {}


def test_an_overwritten_version_is_still_classified_if_the_event_names_it(
    aws: Cloud, worker: Worker, png: bytes, drawing: bytes
) -> None:
    event = event_file("sqs-one-upload.json")
    put = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)
    let_be_about(event, put["ETag"], put["VersionId"])
    for body in (drawing, png):  # with the same bytes again, but as another version
        aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=body)
        assert worker.handle(event) == {"batchItemFailures": []}
        ((_, result),) = aws.results().items()
        assert (result["version_id"], result["label"]) == (put["VersionId"], "Trouser")


def test_without_versions_an_overwritten_upload_leaves_the_result_to_its_successor(
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
