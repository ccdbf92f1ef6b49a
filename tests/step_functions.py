"""The backfill's state machine in the emulated AWS: what template.yaml says of it, less what moto cannot parse."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx2
import pytest
from jsonata import Jsonata
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

from infra.emulated_names import REGION, RESULTS, UPLOADS
from tests.aws import Cloud
from tests.machine import PROJECT

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

DEFINITION: Final = PROJECT / "infra" / "backfill.asl.json"
Edit = Callable[[dict[str, Any]], None]
_MAPS: Final = ("Manifest", "Listing", "Inventory")


def definition(queue_url: str = "https://sqs.us-east-1.amazonaws.com/123456789012/uploads") -> dict[str, Any]:
    """The state machine's definition, with the names that the template would put in."""
    text = DEFINITION.read_text(encoding="utf-8")
    names = {"Partition": "aws", "UploadsBucket": UPLOADS, "ResultsBucket": RESULTS, "QueueUrl": queue_url}
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
    environment.setenv("MOTO_PORT", str(aws.port))  # where moto's state machines find S3 and SQS
    environment.setattr(moto_jsonata, "_eval_jsonata", evaluated)  # moto has an interpreter of all but JSONata
    address = f"http://127.0.0.1:{aws.port}"
    config = {"stepfunctions": {"execute_state_machine": True}}
    httpx2.post(f"{address}/moto-api/config", json=config).raise_for_status()
    edited = definition(aws.queue_url)
    for edit in edits:
        edit(edited["States"])
    client = boto3.client("stepfunctions", endpoint_url=address, region_name=REGION)
    role = "arn:aws:iam::123456789012:role/backfill"
    made = client.create_state_machine(name="backfill", definition=json.dumps(edited), roleArn=role)
    return client, made["stateMachineArn"]


def evaluated(expression: str) -> Any:
    """What a JSONata expression amounts to, `$states` and other variables being set at its beginning."""
    before, found, after = expression.partition("$states:=")
    if not found:
        return Jsonata(expression).evaluate(None)
    states, end = json.JSONDecoder().raw_decode(after)
    compiled = Jsonata(before + after[end:].removeprefix(";"))  # much faster than to let it read so much JSON
    compiled.assign("states", states)
    return compiled.evaluate(None)
