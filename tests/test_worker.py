"""Uploads to an emulated bucket in, results in another bucket out: through S3's own notifications and a real queue."""

import copy
import hashlib
import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.buckets import UnknownEvent, Worker, uploads_in
from handler.classifier import Classifier
from handler.contract import ModelCard
from handler.result_keys import result_key
from handler.settings import Settings
from tests.aws import MAX_RECEIVE_COUNT, RESULTS, UPLOADS, Cloud
from tests.machine import PROJECT
from tests.pictures import encoded, png_that_claims, trousers

EVENTS = PROJECT / "infra" / "events"
SETTINGS = Settings(results_bucket=RESULTS, max_body_bytes=1_000_000)


@pytest.fixture
def worker(aws: Cloud, classifier: Classifier, card: ModelCard) -> Worker:
    return Worker(aws.s3, classifier, card.model_sha256, SETTINGS)


def work_through(aws: Cloud, worker: Worker) -> int:
    """Let `worker` empty the queue; return how many messages it was given."""
    given = 0
    while (event := aws.receive())["Records"]:
        given += len(event["Records"])
        aws.acknowledge(event, worker.handle(event))
    return given


def event_file(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def test_an_upload_gets_a_result(aws: Cloud, worker: Worker, png: bytes) -> None:
    etag = aws.s3.put_object(Bucket=UPLOADS, Key="trousers.png", Body=png)["ETag"].strip('"')
    work_through(aws, worker)
    ((key, result),) = aws.results().items()
    assert key == "trousers.png.json"
    assert (result["bucket"], result["key"], result["etag"]) == (UPLOADS, "trousers.png", etag)
    assert result["bytes"] == len(png)
    assert result["status"] == "done"
    assert result["label"] == result["predictions"][0]["label"] == "Trouser"
    assert aws.s3.head_object(Bucket=RESULTS, Key=key)["ContentType"] == "application/json"


def test_a_photo_gets_the_label_that_the_api_gives(
    aws: Cloud, worker: Worker, client: TestClient, photo: bytes
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="photo.jpg", Body=photo)
    work_through(aws, worker)
    reply = client.post("/classify", content=photo).json()
    result = aws.results()["photo.jpg.json"]
    assert {name: result[name] for name in reply} == reply


@pytest.mark.parametrize(
    "key",
    ["a b.png", "a+b.png", "50%.png", "50%25.png", "衣服/T恤.png", "a//b.png", "../x.png", "x&y=z?#.png", "é~*'().png"],
)
def test_any_key_comes_through_unharmed(aws: Cloud, worker: Worker, png: bytes, key: str) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=png)
    work_through(aws, worker)
    ((found, result),) = aws.results().items()
    assert found == key + ".json"
    assert result["key"] == key


def test_the_longest_key_still_has_room_for_its_result(aws: Cloud, worker: Worker, png: bytes) -> None:
    for last in "ab":
        aws.s3.put_object(Bucket=UPLOADS, Key="衣" * 341 + last, Body=png)
    work_through(aws, worker)
    assert sorted(result["key"][-1] for result in aws.results().values()) == ["a", "b"]


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
def test_what_is_no_image_gets_a_result_that_says_so_at_once(
    aws: Cloud, worker: Worker, body: bytes, title: str
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="upload.png", Body=body)
    given = work_through(aws, worker)
    result = aws.results()["upload.png.json"]
    assert (result["status"], result["title"]) == ("rejected", title)
    assert result["detail"]
    assert given <= 2  # the test event of S3, and the upload once


def test_a_redelivered_message_changes_nothing(aws: Cloud, worker: Worker, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    worker.handle(event)
    first = aws.s3.get_object(Bucket=RESULTS, Key="a.png.json")["Body"].read()
    worker.handle(event)
    assert aws.s3.get_object(Bucket=RESULTS, Key="a.png.json")["Body"].read() == first
    assert len(aws.results()) == 1


def test_an_upload_that_was_deleted_meanwhile_is_done_with(aws: Cloud, worker: Worker, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    aws.s3.delete_object(Bucket=UPLOADS, Key="a.png")
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert aws.results() == {}


def test_an_upload_that_was_overwritten_meanwhile_leaves_the_result_to_its_successor(
    aws: Cloud, worker: Worker, png: bytes, drawing: bytes
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=png)
    older = aws.receive()
    etag = aws.s3.put_object(Bucket=UPLOADS, Key="a", Body=drawing)["ETag"].strip('"')
    newer = aws.receive()
    for event in (older, newer, older):
        assert worker.handle(event) == {"batchItemFailures": []}
    (result,) = aws.results().values()
    assert (result["etag"], result["bytes"], result["label"]) == (etag, len(drawing), "T-shirt/top")


def test_a_folder_made_in_the_console_is_no_upload(aws: Cloud, worker: Worker) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="summer/", Body=b"")
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert aws.results() == {}


def test_only_the_messages_that_failed_come_again(aws: Cloud, worker: Worker, png: bytes) -> None:
    etag = aws.s3.put_object(Bucket=UPLOADS, Key="t-shirt.jpg", Body=png)["ETag"].strip('"')
    event = event_file("sqs-unknown.json")
    *unknown, known = event["Records"]
    known["body"] = known["body"].replace(next(uploads_in(known["body"])).etag, etag)
    assert worker.handle(event) == {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in unknown]}
    assert known["messageId"] not in [each["messageId"] for each in unknown]
    assert list(aws.results()) == ["t-shirt.jpg.json"]


def test_what_cannot_be_stored_ends_in_the_dead_letter_queue(
    aws: Cloud, classifier: Classifier, card: ModelCard, png: bytes
) -> None:
    misconfigured = Worker(aws.s3, classifier, card.model_sha256, replace(SETTINGS, results_bucket="no-such-bucket"))
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    uploads = work_through(aws, misconfigured) - 1  # the other message is the test event of S3
    assert uploads == MAX_RECEIVE_COUNT
    (dead,) = aws.sqs.receive_message(QueueUrl=aws.dead_letter_url)["Messages"]
    assert [upload.key for upload in uploads_in(dead["Body"])] == ["a.png"]


def test_1000_uploads_with_broken_files_and_doubled_deliveries_give_1000_results(
    aws: Cloud, worker: Worker, png: bytes
) -> None:
    count, seed = 1_000, 7
    chance = random.Random(seed)
    broken = set(chance.sample(range(count), k=count * 3 // 100))
    for number in range(count):
        body = png[: chance.randrange(1, len(png) - 20)] if number in broken else png
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number:04d}.png", Body=body)

    doubled = 0
    while (event := aws.receive())["Records"]:
        again = [copy.deepcopy(message) for message in event["Records"] if chance.random() < 0.05]
        doubled += len(again)
        reply = worker.handle({"Records": event["Records"] + again})
        aws.acknowledge(event, reply)

    results = aws.results()
    status = Counter(result["status"] for result in results.values())
    lost = count - len({result["key"] for result in results.values()})
    print(f"\nsent {count}, delivered twice {doubled}, results {len(results)}, {dict(status)}, lost {lost}")
    assert set(results) == {f"{number:04d}.png.json" for number in range(count)}
    assert {int(key[:4]) for key, result in results.items() if result["status"] == "rejected"} == broken
    assert doubled > 20
    assert "Messages" not in aws.sqs.receive_message(QueueUrl=aws.dead_letter_url)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("sqs-one-upload.json", [["t-shirt.jpg"]]),
        (
            "sqs-several-uploads.json",
            [["summer 2026/blue t-shirt (1).jpg", "a+b.jpg"], ["50% off.jpg"], ["衣服/T恤.jpg"]],
        ),
        ("sqs-test-event.json", [[]]),
        ("sqs-deleted.json", [[]]),
    ],
)
def test_an_event_names_the_keys_as_they_were_uploaded(name: str, keys: list[list[str]]) -> None:
    found = [[upload.key for upload in uploads_in(message["body"])] for message in event_file(name)["Records"]]
    assert found == keys


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", '{"Records": [{"eventName": "ObjectCreated:Put"}]}', "\0"])
def test_a_message_that_is_no_storage_event_is_not_passed_over(body: str) -> None:
    with pytest.raises(UnknownEvent, match="no S3 notification"):
        list(uploads_in(body))


def test_different_keys_have_different_results() -> None:
    keys = ["a", "a.json", "a.json.json", "x" * 1_019, "x" * 1_020, "x" * 1_024, "y" * 1_024]
    keys.append("long-keys/" + hashlib.sha256(keys[-1].encode()).hexdigest())
    results = [result_key(key) for key in keys]
    assert len(set(results)) == len(keys)
    assert all(len(key.encode()) <= 1_024 for key in results)
