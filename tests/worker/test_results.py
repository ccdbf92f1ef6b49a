"""Stored results: written once, despite redelivery, reordering and S3 errors."""

import json
from dataclasses import replace
from typing import Any

import pytest

from handler.contract import ModelCard
from handler.settings import Settings
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf, work_through
from tests.support.s3_responses import answering

SETTINGS = Settings(results_bucket=RESULTS)


def versions_of(aws: Cloud, key: str) -> int:
    return len(aws.s3.list_object_versions(Bucket=RESULTS, Prefix=key)["Versions"])


def only(aws: Cloud) -> tuple[str, dict[str, Any]]:
    ((key, result),) = aws.results().items()
    return key, result


def of_another_model(card: ModelCard, published: str = "2099-01-01", version: str = "2") -> ModelCard:
    """A card of a newer model, unless `published` is earlier."""
    return replace(card, document={**card.document, "version": version, "environment": {"published": published}})


def with_sequencer(event: dict[str, Any], sequencer: str | None) -> dict[str, Any]:
    """An event with only the last message, and with `sequencer` in it."""
    body = json.loads(event["Records"][-1]["body"])
    body["Records"][0]["s3"]["object"] |= {"sequencer": sequencer} if sequencer else {}
    return {"Records": [{**event["Records"][-1], "body": json.dumps(body)}]}


def test_redelivered_message_changes_nothing(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for _ in range(3):
        worker_of(SETTINGS).handle(event)
    key, result = only(aws)
    assert versions_of(aws, key) == 1
    worker_of(SETTINGS).handle(with_sequencer(event, "0055AE"))  # after the backfill, with the same bytes
    assert only(aws) == (key, result)


def test_another_model_replaces_the_result_once(aws: Cloud, worker_of: WorkerOf, card: ModelCard, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for _ in range(2):
        worker_of(SETTINGS).handle(event)
    for _ in range(2):
        worker_of(SETTINGS, card=of_another_model(card)).handle(event)
    key, result = only(aws)
    assert result["model"]["version"] == "2"
    assert versions_of(aws, key) == 2


@pytest.mark.parametrize(
    "models",
    [
        pytest.param([("2026-01-01", "b"), ("2026-01-02", "a")], id="published later"),
        pytest.param([("2026-01-01", "a"), ("2026-01-01T12:00:00+00:00", "a")], id="published later that day"),
        pytest.param([("2026-01-01", "a"), ("2026-01-01", "b")], id="published at the same time"),
    ],
)
def test_newer_of_two_models_at_once_keeps_the_result(
    aws: Cloud, worker_of: WorkerOf, card: ModelCard, png: bytes, models: list[tuple[str, str]]
) -> None:
    """As in a gradual deployment, in which a message may be delivered to either of them, and again."""
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    old, new = (worker_of(SETTINGS, card=of_another_model(card, *model)) for model in models)
    for worker in (old, new, old, new, old):
        assert worker.handle(event) == {"batchItemFailures": []}
    key, result = only(aws)
    assert (result["model"]["published"], result["model"]["version"]) == models[1]
    assert versions_of(aws, key) == 2


def test_model_replaces_results_from_before_models_had_a_time(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)["VersionId"]
    old = {"status": "done", "version_id": version_id, "model": {"version": "z", "sha256": "0"}}
    aws.s3.put_object(Bucket=RESULTS, Key=f"results/{UPLOADS}/a.png/{version_id}.json", Body=json.dumps(old))
    work_through(aws, worker_of(SETTINGS))
    assert only(aws)[1]["label"] == "Trouser"


def test_raised_limit_replaces_only_rejected_results(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    small = replace(SETTINGS, max_body_bytes=10)
    for settings, status in [(small, "rejected"), (small, "rejected"), (SETTINGS, "done"), (small, "done")]:
        worker_of(settings).handle(event)
        assert only(aws)[1]["status"] == status
    assert versions_of(aws, only(aws)[0]) == 2


def test_unversioned_result_has_the_latest_sequencer_in_any_order(
    aws: Cloud, worker_of: WorkerOf, card: ModelCard, png: bytes
) -> None:
    aws.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Suspended"})
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    for sequencer, expected in [("0055B0", "0055B0"), ("0055AE", "0055B0"), (None, "0055B0"), ("0055B1", "0055B1")]:
        worker_of(SETTINGS).handle(with_sequencer(event, sequencer))
        assert only(aws)[1]["sequencer"] == expected
    worker_of(SETTINGS, card=of_another_model(card)).handle(with_sequencer(event, None))
    result = only(aws)[1]
    assert (result["sequencer"], result["model"]["version"]) == ("0055B1", "2")


@pytest.mark.parametrize("stored", [b"", b"no JSON", b"[]", b"{}"])
def test_malformed_result_is_replaced(aws: Cloud, worker_of: WorkerOf, png: bytes, stored: bytes) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)["VersionId"]
    key = f"results/{UPLOADS}/a.png/{version_id}.json"
    aws.s3.put_object(Bucket=RESULTS, Key=key, Body=stored)
    work_through(aws, worker_of(SETTINGS))
    assert only(aws)[1]["label"] == "Trouser"


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(409, "ConditionalRequestConflict")], id="parallel write"),
        pytest.param([(412, "PreconditionFailed"), (412, "PreconditionFailed")], id="created and deleted"),
        pytest.param([(404, "NoSuchKey")], id="deleted"),
    ],
)
def test_conflicting_write_is_retried(
    aws: Cloud, worker_of: WorkerOf, png: bytes, answers: list[tuple[int, str]]
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    with answering(aws, "PutObject", *answers) as calls:
        assert worker_of(SETTINGS).handle(aws.receive()) == {"batchItemFailures": []}
    assert len(calls) == len(answers) + 1
    assert only(aws)[1]["label"] == "Trouser"


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetObject", (403, "AccessDenied")),
        ("GetObject", (400, "KMS.DisabledException")),
        ("GetObject", (400, "ExpiredToken")),
        ("PutObject", (403, "AccessDenied")),
        ("PutObject", (404, "NoSuchBucket")),
    ],
)
def test_s3_error_fails_only_its_message(
    aws: Cloud, worker_of: WorkerOf, png: bytes, operation: str, answer: tuple[int, str]
) -> None:
    for number in range(3):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png)
    event = aws.receive()
    with answering(aws, operation, None, answer):
        failures = worker_of(replace(SETTINGS, downloads_at_once=1)).handle(event)["batchItemFailures"]
    assert len(failures) == 1
    assert len(aws.results()) == 2
    aws.acknowledge(event, {"batchItemFailures": failures})
    work_through(aws, worker_of(SETTINGS))
    assert len(aws.results()) == 3


def test_archived_object_is_rejected_until_it_is_restored(aws: Cloud, worker_of: WorkerOf, png: bytes) -> None:
    put = aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    event = aws.receive()
    with answering(aws, "GetObject", (403, "InvalidObjectState")):
        assert worker_of(SETTINGS).handle(event) == {"batchItemFailures": []}
    key, result = only(aws)
    assert (result["status"], result["title"]) == ("rejected", "Archived")
    assert (result["version_id"], result["bytes"]) == (put["VersionId"], len(png))
    worker_of(SETTINGS).handle(event)
    assert (only(aws)[0], only(aws)[1]["status"]) == (key, "done")
