"""template.yaml as a stack in an emulated CloudFormation: what is uploaded to its bucket ends in its results bucket."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from handler.result_keys import result_key
from tests.support.emulated_stack import LEFT_OUT, Stack, created_stack, credentials_of_the_worker, transformed
from tests.support.pictures import encoded, trousers


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with created_stack() as stack:
        yield stack


def test_an_upload_to_the_stacks_bucket_gets_its_result_in_the_stacks_bucket(stack: Stack) -> None:
    s3, uploads, results = stack.client("s3"), stack.resources["UploadsBucket"], stack.resources["ResultsBucket"]
    put = s3.put_object(Bucket=uploads, Key="summer/my trousers.png", Body=encoded(trousers()))
    assert stack.worker().invoke({"Records": stack.messages()}) == [{"batchItemFailures": []}]
    key = result_key(uploads, "summer/my trousers.png", put["VersionId"])
    result = json.loads(s3.get_object(Bucket=results, Key=key)["Body"].read())
    assert (result["status"], result["label"], result["known"]) == ("done", "Trouser", True)
    assert (result["bucket"], result["version_id"]) == (uploads, put["VersionId"])
    assert s3.list_objects_v2(Bucket=results)["KeyCount"] == 1


def test_the_workers_role_allows_what_the_worker_does_and_not_to_delete(stack: Stack) -> None:
    uploads, results = stack.resources["UploadsBucket"], stack.resources["ResultsBucket"]
    put = stack.client("s3").put_object(Bucket=uploads, Key="mine.png", Body=encoded(trousers()))
    event, worker = {"Records": stack.messages()}, stack.worker()
    with credentials_of_the_worker(stack) as credentials:
        twice = worker.invoke(event, event, credentials=credentials)  # the second time the result is there already
        assert twice == [{"batchItemFailures": []}] * 2
        s3 = stack.client("s3", credentials)
        assert s3.get_object(Bucket=results, Key=result_key(uploads, "mine.png", put["VersionId"]))
        for refused in (
            partial(s3.delete_object, Bucket=uploads, Key="mine.png"),
            partial(s3.put_object, Bucket=uploads, Key="other.png", Body=b""),
            partial(s3.list_objects_v2, Bucket=results),
        ):
            with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                refused()


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    types = {each["Type"] for each in transformed()["Resources"].values()}
    assert set(LEFT_OUT) <= types


@pytest.mark.parametrize("role", ["HttpFunctionRole", "WorkerFunctionRole", "BackfillRole"])
def test_no_role_has_a_wildcard_among_its_actions(role: str) -> None:
    statements = [
        statement.get("Fn::If", [None, statement])[1]
        for policy in transformed()["Resources"][role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert statements
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], statement
        assert statement["Sid"]
