"""The backfill's state machine in the emulated AWS: what template.yaml says of it, less what moto cannot parse."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx2
import pytest

from infra.emulation.names import REGION, RESULTS, UPLOADS
from tests.support.aws import Cloud
from tests.support.machine import PROJECT

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

ROLE: Final = "arn:aws:iam::123456789012:role/backfill"
DEFINITION: Final = PROJECT / "infra" / "operations" / "backfill.asl.json"
Edit = Callable[[dict[str, Any]], None]
_MAPS: Final = ("Manifest", "Listing", "Inventory")


def definition(
    queue_url: str = "https://sqs.us-east-1.amazonaws.com/123456789012/uploads",
    uploads: str = UPLOADS,
    results: str = RESULTS,
) -> dict[str, Any]:
    """The state machine's definition, with the names that the template would put in."""
    text = DEFINITION.read_text(encoding="utf-8")
    names = {"Partition": "aws", "UploadsBucket": uploads, "ResultsBucket": results, "QueueUrl": queue_url}
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _run_children_as_standard(states: dict[str, Any]) -> None:
    """moto knows no EXPRESS children."""
    for name in _MAPS:
        states[name]["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "STANDARD"


def _write_no_reports(states: dict[str, Any]) -> None:
    """moto knows no ResultWriter with Arguments."""
    for name in _MAPS:
        del states[name]["ResultWriter"]


def _batch_by_ones(states: dict[str, Any]) -> None:
    """moto knows no ItemBatcher: each object of the listing is a batch of its own."""
    for name in ("Listing", "Inventory"):
        del states[name]["ItemBatcher"]
        states[name]["ItemSelector"] = {"Items": ["{% $states.context.Map.Item.Value %}"]}


def _read_no_inventory(states: dict[str, Any]) -> None:
    """moto knows no InputType MANIFEST."""
    del states["Inventory"]
    states["Source"]["Choices"] = [each for each in states["Source"]["Choices"] if each["Next"] != "Inventory"]


# All that differs between what runs here and what runs on AWS.
EDITS: Final[tuple[Edit, ...]] = (
    _run_children_as_standard,
    _write_no_reports,
    _batch_by_ones,
    _read_no_inventory,
)


def emulated_state_machine(
    aws: Cloud, environment: pytest.MonkeyPatch, edits: Sequence[Edit] = EDITS
) -> tuple["SFNClient", str]:
    """A client of Step Functions, and the ARN of the edited state machine there, which really runs."""
    let_state_machines_run(aws, environment)
    client = boto3.client("stepfunctions", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)
    text = json.dumps(edited(definition(aws.queue_url), edits))
    made = client.create_state_machine(name="backfill", definition=text, roleArn=ROLE)
    return client, made["stateMachineArn"]


def edited(whole: dict[str, Any], edits: Sequence[Edit] = EDITS) -> dict[str, Any]:
    """A definition that moto can parse."""
    for edit in edits:
        edit(whole["States"])
    for name in _MAPS:
        if name in whole["States"]:
            _send_few_at_once(whole["States"][name])
    return whole


def _send_few_at_once(state: dict[str, Any]) -> None:
    """Forty threads of one process would starve everything else in it, the worker and moto's server among it."""
    state["MaxConcurrency"] = 4
    state["ItemProcessor"]["States"]["Requests"]["MaxConcurrency"] = 1


def let_state_machines_run(aws: Cloud, environment: pytest.MonkeyPatch) -> None:
    """Switch moto's interpreter on."""
    environment.setenv("AWS_MAX_ATTEMPTS", "10")  # of a run that has just begun, moto answers 500 for a moment
    config = {"stepfunctions": {"execute_state_machine": True}}
    httpx2.post(f"http://127.0.0.1:{aws.port}/moto-api/config", json=config).raise_for_status()
