"""template.yaml deployed to an emulated CloudFormation: uploads get results, with the role's permissions only."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from handler.result_keys import result_key
from tests.support.emulated_stack import NOT_EMULATED, Stack, created_stack, transformed, worker_credentials
from tests.support.images import encoded, trousers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with created_stack() as stack:
        yield stack


def test_upload_gets_its_result_in_the_results_bucket(stack: Stack) -> None:
    s3, uploads, results = stack.client("s3"), stack.resources["UploadsBucket"], stack.resources["ResultsBucket"]
    put = s3.put_object(Bucket=uploads, Key="summer/my trousers.png", Body=encoded(trousers()))
    assert stack.worker().invoke({"Records": stack.messages()}) == [{"batchItemFailures": []}]
    key = result_key(uploads, "summer/my trousers.png", put["VersionId"])
    result = json.loads(s3.get_object(Bucket=results, Key=key)["Body"].read())
    assert (result["status"], result["label"], result["known"]) == ("done", "Trouser", True)
    assert (result["bucket"], result["version_id"]) == (uploads, put["VersionId"])
    assert s3.list_objects_v2(Bucket=results)["KeyCount"] == 1


def test_worker_role_suffices_and_denies_everything_else(stack: Stack) -> None:
    uploads, results = stack.resources["UploadsBucket"], stack.resources["ResultsBucket"]
    put = stack.client("s3").put_object(Bucket=uploads, Key="mine.png", Body=encoded(trousers()))
    event, worker = {"Records": stack.messages()}, stack.worker()
    with worker_credentials(stack) as credentials:
        twice = worker.invoke(event, event, credentials=credentials)  # the second time the result exists
        assert twice == [{"batchItemFailures": []}] * 2
        s3 = stack.client("s3", credentials)
        assert s3.head_object(Bucket=results, Key=result_key(uploads, "mine.png", put["VersionId"]))
        for denied in (
            partial(s3.delete_object, Bucket=uploads, Key="mine.png"),
            partial(s3.put_object, Bucket=uploads, Key="other.png", Body=b""),
            partial(s3.list_objects_v2, Bucket=results),
        ):
            with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                denied()


def test_omitted_resource_types_occur_in_the_template() -> None:
    types = {each["Type"] for each in transformed()["Resources"].values()}
    assert set(NOT_EMULATED) <= types


@pytest.mark.parametrize("role", ["HttpFunctionRole", "WorkerFunctionRole", "BackfillRole"])
def test_role_has_no_wildcard_actions(role: str) -> None:
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
