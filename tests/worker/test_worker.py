"""The worker from upload to result: emulated buckets, S3's own notifications, and a real queue."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.contract import Label, ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.cutout import CutOut
from handler.result_keys import result_key
from handler.settings import Settings
from handler.telemetry.reports import InvocationReport
from handler.worker.s3_events import uploads_in_text
from handler.worker.worker import Worker
from tests.support.aws import MAX_RECEIVE_COUNT, RESULTS, UPLOADS, Cloud, event_file, refer_to_object, work_through
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.shipped import prepare

SETTINGS = Settings(results_bucket=RESULTS, max_body_bytes=1_000_000)


@pytest.fixture
def reports() -> list[InvocationReport]:
    return []


@pytest.fixture
def worker(aws: Cloud, classifier: Classifier, card: ModelCard, reports: list[InvocationReport]) -> Worker:
    return Worker(aws.s3, classifier, card, SETTINGS, report=reports.append)


def test_upload_gets_a_result(aws: Cloud, worker: Worker, card: ModelCard, png: bytes) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a/trousers.png", Body=png, Metadata={"request-id": "abc-1"})
    work_through(aws, worker)
    ((key, result),) = aws.results().items()
    assert key == f"results/{UPLOADS}/a/trousers.png/{put['VersionId']}.json"
    assert (result["bucket"], result["key"]) == (UPLOADS, "a/trousers.png")
    assert (result["version_id"], result["etag"]) == (put["VersionId"], put["ETag"].strip('"'))
    assert (result["bytes"], result["request_id"]) == (len(png), "abc-1")
    published = card.document["environment"]["published"]
    assert result["model"] == {
        "version": card.document["version"],
        "sha256": card.model_sha256,
        "published": published,
    }
    assert result["status"] == "done"
    assert result["label"] == result["predictions"][0]["label"] == "Trouser"
    assert set(result["timings"]) == {"download", "decode", "infer"}
    assert aws.s3.head_object(Bucket=RESULTS, Key=key)["ContentType"] == "application/json"


def test_photo_gets_the_result_of_the_api(aws: Cloud, worker: Worker, client: TestClient, photo: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="photo.jpg", Body=photo)
    work_through(aws, worker)
    reply = client.post("/classify", content=photo).json()
    (result,) = aws.results().values()
    assert {name: result[name] for name in reply} == reply


@pytest.mark.parametrize(
    "key",
    ["a b.png", "a+b.png", "50%.png", "50%25.png", "衣服/T恤.png", "a//b.png", "../x.png", "x&y=z?#.png", "é~*'().png"],
)
def test_result_has_the_unchanged_key_of_the_upload(aws: Cloud, worker: Worker, png: bytes, key: str) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=png)["VersionId"]
    work_through(aws, worker)
    ((found, result),) = aws.results().items()
    assert found == f"results/{UPLOADS}/{key}/{version_id}.json"
    assert result["key"] == key


def test_longest_keys_get_distinct_results(aws: Cloud, worker: Worker, png: bytes) -> None:
    for last in "ab":
        aws.s3.put_object(Bucket=UPLOADS, Key="衣" * 341 + last, Body=png)
    work_through(aws, worker)
    assert sorted(result["key"][-1] for result in aws.results().values()) == ["a", "b"]


def test_result_keys_are_distinct_and_short_enough() -> None:
    keys = ["a", "a.json", "a/1.json", "x" * 860, "x" * 1_023, "x" * 1_024, "y" * 1_024]
    keys.append(result_key("b", keys[-1], "1").removeprefix("results/b/").removesuffix(".json"))
    results = [result_key(bucket, key, version) for bucket in ("b", "c") for key in keys for version in ("1", "2")]
    assert len(set(results)) == len(results)
    assert all(len(key.encode()) <= 1_024 for key in results)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        pytest.param(b"no image", "Not an image", id="text"),
        pytest.param(b"", "Not an image", id="nothing"),
        pytest.param(encoded(trousers())[:300], "Broken image", id="truncated"),
        pytest.param(png_that_claims(60_000, 60_000), "Too many pixels", id="too many pixels"),
        pytest.param(bytes(1_000_001), "Too large", id="too many bytes"),
    ],
)
def test_invalid_image_is_rejected_without_a_retry(aws: Cloud, worker: Worker, body: bytes, title: str) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="upload.png", Body=body)
    messages = work_through(aws, worker)
    (result,) = aws.results().values()
    assert (result["status"], result["title"]) == ("rejected", title)
    assert result["detail"]
    assert messages <= 2  # S3's test event, and the upload once


def test_s3_console_folder_placeholder_is_skipped(aws: Cloud, worker: Worker) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="summer/", Body=b"")
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert aws.results() == {}


def test_only_failed_messages_are_batch_item_failures(
    aws: Cloud, worker: Worker, png: bytes, reports: list[InvocationReport]
) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)
    event = event_file("sqs-unknown.json")
    *unknown, known = event["Records"]
    refer_to_object({"Records": [known]}, put["ETag"], put["VersionId"])
    assert worker.handle(event) == {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in unknown]}
    assert known["messageId"] not in [each["messageId"] for each in unknown]
    assert len(aws.results()) == 1
    assert (reports[0].messages, reports[0].messages_failed, reports[0].done) == (len(unknown) + 1, len(unknown), 1)
    assert reports[0].classifications[0].predictions[0].label == "Trouser"


def test_message_without_a_stored_result_is_dead_lettered(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes
) -> None:
    misconfigured = Worker(aws.s3, classifier, card, replace(SETTINGS, results_bucket="no-such-bucket"))
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    uploads = work_through(aws, misconfigured) - 1  # less S3's test event
    assert uploads == MAX_RECEIVE_COUNT
    (dead,) = aws.sqs.receive_message(QueueUrl=aws.dead_letter_url)["Messages"]
    assert [upload.key for upload in uploads_in_text(dead["Body"])] == ["a.png"]


def test_result_stored_in_the_uploads_bucket_is_skipped(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes
) -> None:
    worker = Worker(aws.s3, classifier, card, replace(SETTINGS, results_bucket=UPLOADS))
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    work_through(aws, worker)
    listed = aws.s3.list_objects_v2(Bucket=UPLOADS)["Contents"]
    assert sorted(found["Key"].split("/")[0] for found in listed) == ["a.png", "results"]


def test_message_without_time_left_is_a_batch_item_failure(aws: Cloud, worker: Worker, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    assert len(worker.handle(event, seconds=0)["batchItemFailures"]) == 1
    assert worker.handle(event, seconds=60) == {"batchItemFailures": []}
    assert len(aws.results()) == 1


def test_batch_takes_one_model_run_and_duplicates_none(aws: Cloud, card: ModelCard, png: bytes, drawing: bytes) -> None:
    counted = _CountingClassifier(MODEL_PATH, card.labels)
    for number in range(9):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=drawing if number % 2 else png)
    event = aws.receive()
    event["Records"] += event["Records"]
    Worker(aws.s3, counted, card, SETTINGS).handle(event)
    assert counted.runs == [5 * view_count(png) + 4 * view_count(drawing)]
    counted.runs.clear()
    Worker(aws.s3, counted, card, replace(SETTINGS, max_batch_images=4)).handle(event)
    assert len(counted.runs) == 3
    assert len(aws.results()) == 9


def test_log_line_has_the_outcome_of_an_upload(
    aws: Cloud, worker: Worker, png: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png, Metadata={"request-id": "abc-1"})
    with caplog.at_level(logging.INFO, "handler"):
        work_through(aws, worker)
    (line,) = [vars(record) for record in caplog.records if record.name == "handler.worker.worker"]
    assert (line["bucket"], line["key"], line["request_id"]) == (UPLOADS, "a.png", "abc-1")
    assert (line["status"], line["label"]) == ("done", "Trouser")


class _CountingClassifier(Classifier):
    """Records the number of views of each run."""

    def __init__(self, model_path: Path, labels: Sequence[Label]) -> None:
        super().__init__(model_path, labels, cut_out=CutOut())
        self.runs: list[int] = []

    def predict(self, pixels: Any) -> Any:
        self.runs.append(len(pixels))
        return super().predict(pixels)


def view_count(image: bytes) -> int:
    return len(prepare(image, 50_000_000).views)
