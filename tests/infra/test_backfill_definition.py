"""backfill.asl.json turns listings, manifests and inventories into messages for the worker."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from handler.worker.s3_events import Upload, uploads_in_text
from infra.operations.missing import BATCH
from tests.support.aws import UPLOADS, Cloud
from tests.support.machine import PROJECT, missing
from tests.support.patched_moto import evaluated
from tests.support.step_functions import EDITS, ROLE, definition, emulated_state_machine

CFN_LINT = PROJECT / ".venv-sam" / "bin" / "cfn-lint"
STATES = definition()["States"]
STATES_WITH_MAPS = ("Manifest", "Listing", "Inventory")
PROCESSOR = STATES["Manifest"]["ItemProcessor"]["States"]
# From the documentation of Distributed Map.
LISTED = {"Key": "a b+é.png", "Size": 7, "Etag": '"05c1"', "LastModified": 1668699881, "StorageClass": "STANDARD"}
IN_INVENTORY = {"Bucket": UPLOADS, "Key": "a+b%2B%C3%A9.png", "Size": "7", "ETag": "05c1", "VersionId": "v1"}
IN_MANIFEST = {
    "Key": "a b+é.png",
    "Size": 7,
    "ETag": '"05c1"',
    "VersionId": "v1",
    "LastModified": "2022-11-17T15:11:21Z",
}


def value(expression: str, state_input: dict[str, Any]) -> Any:
    """Evaluate an expression of the definition in a state with this input."""
    inner = expression.removeprefix("{%").removesuffix("%}")
    return evaluated(f"($states:={json.dumps({'input': state_input})};{inner})")


def requests_for(items: list[dict[str, Any]]) -> list[list[dict[str, str]]]:
    """The entries of each request to SQS for a batch of items."""
    bodies = value(PROCESSOR["Messages"]["Output"]["bodies"], {"Items": items, "BatchInput": {"bucket": UPLOADS}})
    return [each["entries"] for each in value(PROCESSOR["Requests"]["Items"], {"bodies": bodies})]


@pytest.mark.slow
def test_definition_passes_cfn_lint(tmp_path: Path) -> None:
    if not CFN_LINT.exists():
        missing(f"{CFN_LINT} is missing; run `make check`")
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": ROLE, "Definition": definition(), "TracingConfiguration": {"Enabled": True}},
    }
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {"Backfill": machine}}))
    command = [str(CFN_LINT), "--region", "us-east-1", "--", str(template)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_all_sources_process_batches_alike() -> None:
    processors = [STATES[name]["ItemProcessor"] for name in STATES_WITH_MAPS]
    assert processors[0] == processors[1] == processors[2]
    inputs = [
        STATES[name].get("ItemBatcher", STATES[name].get("ItemSelector"))["BatchInput"] for name in STATES_WITH_MAPS
    ]
    assert inputs == [{"bucket": "{% $states.input.bucket %}"}] * 3
    assert [STATES[name]["ItemBatcher"]["MaxItemsPerBatch"] for name in ("Listing", "Inventory")] == [BATCH] * 2


@pytest.mark.parametrize(
    ("item", "upload"),
    [
        (LISTED, Upload(UPLOADS, "a b+é.png", None, "05c1", "2022-11-17T15:44:41.000Z")),
        (
            {**IN_INVENTORY, "LastModifiedDate": "2022-11-17T15:11:21.000Z", "IsLatest": "true"},
            Upload(UPLOADS, "a b+é.png", "v1", "05c1", "2022-11-17T15:11:21.000Z"),
        ),
        (IN_INVENTORY, Upload(UPLOADS, "a b+é.png", "v1", "05c1")),
        (IN_MANIFEST, Upload(UPLOADS, "a b+é.png", "v1", "05c1", "2022-11-17T15:11:21Z")),
    ],
    ids=["listing", "inventory", "inventory without dates", "manifest"],
)
def test_item_becomes_a_message_that_the_worker_parses(item: dict[str, Any], upload: Upload) -> None:
    ((entry,),) = requests_for([item])
    assert uploads_in_text(entry["MessageBody"]) == (upload,)


@pytest.mark.parametrize(
    "item",
    [
        {"Key": "folder/", "Size": 0, "ETag": "x"},
        {**IN_INVENTORY, "LastModifiedDate": "2022-11-17", "IsLatest": "false"},
        {**IN_INVENTORY, "LastModifiedDate": "2022-11-17", "IsLatest": "true", "IsDeleteMarker": "true"},
    ],
    ids=["folder placeholder", "old version", "delete marker"],
)
def test_item_that_is_no_current_object_is_skipped(item: dict[str, Any]) -> None:
    assert requests_for([item]) == []
    assert len(requests_for([item, IN_MANIFEST])) == 1


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (10, [10]), (11, [10, 1]), (100, [10] * 10)])
def test_requests_have_at_most_ten_messages(count: int, sizes: list[int]) -> None:
    requests = requests_for([{**IN_MANIFEST, "Key": f"{place}.png"} for place in range(count)])
    assert [len(entries) for entries in requests] == sizes
    keys = [uploads_in_text(entry["MessageBody"])[0].key for entries in requests for entry in entries]
    assert keys == [f"{place}.png" for place in range(count)]
    assert all(len({entry["Id"] for entry in entries}) == len(entries) for entries in requests)


def test_only_refused_messages_are_retried() -> None:
    (entries,) = requests_for([{**IN_MANIFEST, "Key": f"{place}.png"} for place in range(3)])
    left = PROCESSOR["Requests"]["ItemProcessor"]["States"]["Send"]["Output"]["entries"].strip("{%} ")
    for failed in ([], [{"Id": "1", "Code": "InternalError"}]):
        states = {"input": {"entries": entries}, "result": {"Successful": [], "Failed": failed}}
        retried = evaluated(f"($states:={json.dumps(states)};{left})")
        assert [entry["Id"] for entry in retried] == [each["Id"] for each in failed]


@pytest.mark.parametrize("omitted", EDITS, ids=lambda edit: edit.__name__.strip("_"))
def test_every_edit_for_the_emulation_is_necessary(
    aws: Cloud, monkeypatch: pytest.MonkeyPatch, omitted: Callable[..., None]
) -> None:
    with pytest.raises(ClientError, match="CreateStateMachine"):
        emulated_state_machine(aws, monkeypatch, tuple(edit for edit in EDITS if edit is not omitted))
