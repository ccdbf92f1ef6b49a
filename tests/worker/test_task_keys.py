"""Keys of S3 Batch Operations tasks, which may be encoded or not: all objects that one may name are classified."""

from typing import Any
from urllib.parse import quote_plus

import pytest

from handler.worker.worker import Worker
from tests.support.aws import UPLOADS, Cloud


def job_result(worker: Worker, key: str, **members: Any) -> tuple[str, str]:
    """The code and the text of a job's only task."""
    task = {"taskId": "t", "s3Key": key, "s3VersionId": None, "s3BucketArn": f"arn:aws:s3:::{UPLOADS}", **members}
    event = {"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [task]}
    (result,) = worker.handle(event)["results"]
    return result["resultCode"], result["resultString"]


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        pytest.param("a+b.png", "a+b.png", id="raw plus"),
        pytest.param("a+b.png", "a%2Bb.png", id="encoded plus"),
        pytest.param("a b.png", "a+b.png", id="space as a plus"),
        pytest.param("a b.png", "a%20b.png", id="encoded space"),
        pytest.param("50%25.png", "50%25.png", id="raw percent sign"),
        pytest.param("50%.png", "50%.png", id="percent sign alone"),
        pytest.param("a+b c.png", "a+b%20c.png", id="raw plus beside an encoded space"),
        pytest.param("%FF.png", "%FF.png", id="raw, and no UTF-8 if decoded"),
    ],
)
def test_object_of_a_task_is_found_by_its_raw_or_encoded_key(
    aws: Cloud, worker: Worker, png: bytes, stored: str, named: str
) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key=stored, Body=png)["VersionId"]
    key = f"results/{UPLOADS}/{stored}/{version_id}.json"
    assert job_result(worker, named) == ("Succeeded", key)
    assert job_result(worker, named, s3VersionId=version_id) == ("Succeeded", key)
    assert list(aws.results()) == [key]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param("a+b.png", ["a b.png", "a+b.png"], id="space or plus"),
        pytest.param("a%2Bb.png", ["a%2Bb.png", "a+b.png"], id="raw or encoded"),
        pytest.param("a+b%20c.png", ["a+b c.png"], id="plus, since spaces are encoded otherwise"),
        pytest.param("a+b c.png", ["a+b c.png"], id="plus beside a space"),
    ],
)
def test_all_objects_that_a_task_may_name_are_classified(
    aws: Cloud, worker: Worker, png: bytes, named: str, found: list[str]
) -> None:
    for key in ("a b.png", "a+b.png", "a%2Bb.png", "a+b c.png", "a b c.png"):
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=png)
    code, text = job_result(worker, named)
    assert (code, sorted(result["key"] for result in aws.results().values())) == ("Succeeded", found)
    assert sorted(text.split("; ")) == sorted(aws.results())


def test_task_that_names_a_version_is_about_one_object(aws: Cloud, worker: Worker, png: bytes) -> None:
    ids = [aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=png)["VersionId"] for key in ("a b.png", "a+b.png")]
    job_result(worker, "a+b.png", s3VersionId=ids[1])
    assert [result["key"] for result in aws.results().values()] == ["a+b.png"]


def test_longest_key_of_a_task_may_be_encoded(aws: Cloud, worker: Worker, png: bytes) -> None:
    key = "衣" * 341
    aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=png)
    code, _ = job_result(worker, quote_plus(key))
    assert (code, [result["key"] for result in aws.results().values()]) == ("Succeeded", [key])


def test_archived_object_of_a_task_is_found_by_its_raw_key(aws: Cloud, worker: Worker, png: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a+b.png", Body=png, StorageClass="GLACIER")
    code, _ = job_result(worker, "a+b.png")
    assert (code, [result["key"] for result in aws.results().values()]) == ("Succeeded", ["a+b.png"])


@pytest.mark.parametrize("version_id", [None, "00000000-0000-4000-8000-000000000000"])
def test_task_without_an_object_fails(aws: Cloud, worker: Worker, version_id: str | None) -> None:
    assert job_result(worker, "a+b.png", s3VersionId=version_id) == ("PermanentFailure", "deleted before it was read")
    assert aws.results() == {}


def test_task_about_a_folder_placeholder_succeeds(aws: Cloud, worker: Worker) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="summer/", Body=b"")
    assert job_result(worker, "summer/") == ("Succeeded", "S3 console folder placeholder; skipped")
