"""The stack's outputs, in every partition of AWS, and that template.yaml is bound to none of them."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
from botocore.session import get_session

from tests.support.conditions import holds
from tests.support.emulated_stack import transformed
from tests.support.template import RESOURCES, TEMPLATE

# Partitions, with a region, the suffix of their domains, and the console's domain, from AWS's documentation.
PARTITIONS: Final = {
    "aws": ("eu-central-1", "amazonaws.com", "console.aws.amazon.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn", "console.amazonaws.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com", "console.amazonaws-us-gov.com"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu", "console.amazonaws-eusc.eu"),
    "aws-iso": ("us-iso-east-1", "c2s.ic.gov", None),
    "aws-iso-b": ("us-isob-east-1", "sc2s.sgov.gov", None),
    "aws-iso-e": ("eu-isoe-west-1", "cloud.adc-e.uk", None),
    "aws-iso-f": ("us-isof-south-1", "csp.hci.ic.gov", None),
}


def output(name: str, partition: str, door: str = "RestApi") -> str | None:
    """The value of an output in `partition`, with resources by their logical names; None if there is no such output."""
    region, suffix, _ = PARTITIONS[partition]
    pseudo = {"AWS::Partition": partition, "AWS::Region": region, "AWS::URLSuffix": suffix, "AWS::StackName": "clothes"}
    pseudo["FrontDoor"] = door
    found = TEMPLATE["Outputs"][name]
    if "Condition" in found and not _holds(found["Condition"], pseudo):
        return None
    return _resolved(found["Value"], pseudo)


def _holds(condition: str, given: Mapping[str, str]) -> bool:
    return holds({"Condition": condition}, TEMPLATE["Conditions"], given)


def _resolved(value: Any, pseudo: Mapping[str, str]) -> str:
    match value:
        case {"Ref": str(name)} | {"GetAtt": str(name)}:
            return pseudo.get(name, name)
        case {"If": [str(condition), then, otherwise]}:
            return _resolved(then if _holds(condition, pseudo) else otherwise, pseudo)
        case {"Sub": [str(text), dict(variables)]}:
            known = {**pseudo, **{name: _resolved(each, pseudo) for name, each in variables.items()}}
            return re.sub(r"\$\{([\w:]+)\}", lambda name: known.get(name[1], name[1]), text)
        case {"Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: pseudo.get(name[1], name[1]), text)
    return str(value)


def test_partitions_and_suffixes_are_those_of_botocore() -> None:
    partitions = get_session().get_data("endpoints")["partitions"]
    assert {each["partition"]: each["dnsSuffix"] for each in partitions} == {
        partition: suffix for partition, (_, suffix, _) in PARTITIONS.items()
    }


@pytest.mark.parametrize("partition", PARTITIONS)
def test_addresses_are_of_the_partition(partition: str) -> None:
    region, suffix, console = PARTITIONS[partition]
    assert output("Endpoint", partition) == f"https://Api.execute-api.{region}.{suffix}/Prod/"
    assert output("Endpoint", partition, "FunctionUrl") == "FunctionUrl.FunctionUrl"  # AWS fills in its own suffix
    dashboard = output("DashboardUrl", partition)
    assert (dashboard or "").partition("/cloudwatch")[0] == (f"https://{region}.{console}" if console else "")


def test_outputs_name_what_an_operator_needs() -> None:
    assert {
        "Endpoint",
        "DashboardName",
        "WorkerFunctionArn",
        "UploadsBucketName",
        "ResultsBucketName",
        "UploadsQueueUrl",
        "DeadLetterQueueUrl",
    } <= set(TEMPLATE["Outputs"])


@pytest.mark.slow
def test_every_reference_of_the_outputs_resolves() -> None:
    document = transformed()
    names = set(document["Resources"]) | set(document["Parameters"])
    text = json.dumps(document["Outputs"])
    references = set(re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"([\w:]+)', text)) | set(re.findall(r"\$\{([\w:]+)", text))
    assert {each for each in references if not each.startswith("AWS::")} - names <= {"Domain"}


def test_template_has_no_domain_or_arn_of_one_partition() -> None:
    text = json.dumps(RESOURCES)
    assert not re.findall(r"amazonaws\.com(?!\")[/:]|arn:aws:", text)
