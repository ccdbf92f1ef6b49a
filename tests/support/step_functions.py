"""The backfill's state machine in the emulated AWS, without the features that moto cannot parse."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx2
import pytest

from infra.emulation.names import REGION, RESULTS
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
    results: str = RESULTS,
) -> dict[str, Any]:
    """The definition with the template's substitutions applied."""
    text = DEFINITION.read_text(encoding="utf-8")
    names = {"Partition": "aws", "ResultsBucket": results, "QueueUrl": queue_url}
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _run_children_as_standard(states: dict[str, Any]) -> None:
    """moto does not support EXPRESS children."""
    for name in _MAPS:
        states[name]["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "STANDARD"


def _write_no_reports(states: dict[str, Any]) -> None:
    """moto does not support ResultWriter with Arguments."""
    for name in _MAPS:
        del states[name]["ResultWriter"]


def _batch_by_ones(states: dict[str, Any]) -> None:
    """moto does not support ItemBatcher: each object is a batch of its own."""
    for name in ("Listing", "Inventory"):
        batch_input = states[name].pop("ItemBatcher")["BatchInput"]
        states[name]["ItemSelector"] = {"Items": ["{% $states.context.Map.Item.Value %}"], "BatchInput": batch_input}


def _read_no_inventory(states: dict[str, Any]) -> None:
    """moto does not support InputType MANIFEST."""
    del states["Inventory"]
    states["Source"]["Choices"] = [each for each in states["Source"]["Choices"] if each["Next"] != "Inventory"]


# All differences between the definition tested here and the deployed one.
EDITS: Final[tuple[Edit, ...]] = (
    _run_children_as_standard,
    _write_no_reports,
    _batch_by_ones,
    _read_no_inventory,
)


def emulated_state_machine(
    aws: Cloud, environment: pytest.MonkeyPatch, edits: Sequence[Edit] = EDITS
) -> tuple["SFNClient", str]:
    """Create the edited state machine; returns a Step Functions client and the ARN."""
    enable_state_machines(aws, environment)
    client = boto3.client("stepfunctions", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)
    text = json.dumps(edited(definition(aws.queue_url), edits))
    created = client.create_state_machine(name="backfill", definition=text, roleArn=ROLE)
    return client, created["stateMachineArn"]


def edited(whole: dict[str, Any], edits: Sequence[Edit] = EDITS) -> dict[str, Any]:
    """Apply `edits`, so that moto can parse the definition."""
    for edit in edits:
        edit(whole["States"])
    for name in _MAPS:
        if name in whole["States"]:
            _limit_concurrency(whole["States"][name])
    return whole


def _limit_concurrency(state: dict[str, Any]) -> None:
    """Forty threads in moto's process would starve its server."""
    state["MaxConcurrency"] = 4
    state["ItemProcessor"]["States"]["Requests"]["MaxConcurrency"] = 1


def enable_state_machines(aws: Cloud, environment: pytest.MonkeyPatch) -> None:
    """Enable moto's interpreter of state machines."""
    environment.setenv("AWS_MAX_ATTEMPTS", "10")  # moto answers 500 right after the start of an execution
    config = {"stepfunctions": {"execute_state_machine": True}}
    httpx2.post(f"http://127.0.0.1:{aws.port}/moto-api/config", json=config, timeout=60).raise_for_status()
