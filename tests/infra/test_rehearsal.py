"""Rehearsal of deployments in an emulated CloudFormation: create, change, change back, delete, create again.

What it cannot show, since moto cannot: rolling back what failed (moto stops in the middle), `RetainExceptOnCreate`
(`Retain` takes its place here), attached policies, and the types NOT_EMULATED and UNKNOWN_TO_MOTO.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx2
import pytest

from tests.support.aws import emulated_aws
from tests.support.emulated_stack import NOT_EMULATED, Stack, put_package, transformed, without_aliases
from tests.support.parameters import NETWORK, OF_FUNCTION_URL, OF_REST_API
from tests.support.template import FUNCTIONS

pytestmark = pytest.mark.slow

STACK: Final = "clothes"
UNKNOWN_TO_MOTO: Final = {
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
    "AWS::Budgets::Budget",
    "AWS::Lambda::Url",
    "AWS::Route53::RecordSet",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}
EMULATED_OF_REST_API: Final = {**OF_REST_API, "ApiGatewayAccountRole": "off"}  # its account is not emulated


def template() -> str:
    document = transformed()
    omitted = {
        name for name, each in document["Resources"].items() if each["Type"] in {*NOT_EMULATED, *UNKNOWN_TO_MOTO}
    }
    kept = {name: each for name, each in document["Resources"].items() if name not in omitted}
    outputs = {
        name: each
        for name, each in document["Outputs"].items()
        if not any(f'"{other}"' in json.dumps(each) for other in omitted)
    }
    text = json.dumps({**document, "Resources": without_aliases(kept), "Outputs": outputs})
    return text.replace("RetainExceptOnCreate", "Retain")


class Deployments:
    """`sam deploy` with parameters, as requests to CloudFormation."""

    def __init__(self, endpoint: str) -> None:
        self.aws = Stack(endpoint, {})
        self.formation = self.aws.client("cloudformation")
        self._template = template()

    def deploy(self, stack: str, parameters: Mapping[str, str]) -> str:
        """Create or change the stack; returns its status."""
        deployed = {each["StackName"] for each in self.formation.describe_stacks()["Stacks"]}
        act = self.formation.update_stack if stack in deployed else self.formation.create_stack
        act(
            StackName=stack,
            TemplateBody=self._template,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        return str(self.formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    def ids(self, stack: str = STACK) -> dict[str, str]:
        pages = self.formation.get_paginator("list_stack_resources").paginate(StackName=stack)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    def function(self, name: str, stack: str = STACK) -> dict[str, Any]:
        found: dict[str, Any] = self.aws.client("lambda").get_function_configuration(FunctionName=self.ids(stack)[name])
        return found

    def buckets(self) -> set[str]:
        return {each["Name"] for each in self.aws.client("s3").list_buckets()["Buckets"]}


@pytest.fixture(scope="module")
def deployments() -> Iterator[Deployments]:
    with emulated_aws() as port:
        endpoint = f"http://127.0.0.1:{port}"
        httpx2.post(
            f"{endpoint}/moto-api/config", json={"lambda": {"use_docker": False}}, timeout=60
        ).raise_for_status()
        deployments = Deployments(endpoint)
        put_package(deployments.aws.client("s3"))
        yield deployments


def test_stack_is_created_changed_changed_back_deleted_and_created_again(deployments: Deployments) -> None:
    assert deployments.deploy(STACK, {}) == "CREATE_COMPLETE"
    first = deployments.ids()
    assert deployments.deploy(STACK, {"MemorySize": "2048"}) == "UPDATE_COMPLETE"
    assert [deployments.function(name)["MemorySize"] for name in FUNCTIONS] == [2048] * 2
    assert deployments.deploy(STACK, {"MemorySize": "1024"}) == "UPDATE_COMPLETE"  # what a rollback does
    assert [deployments.function(name)["MemorySize"] for name in FUNCTIONS] == [1024] * 2
    kept = {first["UploadsBucket"], first["ResultsBucket"]}
    assert {deployments.ids()[name] for name in ("UploadsBucket", "ResultsBucket")} == kept
    deployments.formation.delete_stack(StackName=STACK)
    assert kept <= deployments.buckets()
    assert deployments.deploy(STACK, {}) == "CREATE_COMPLETE"  # the kept buckets do not block it
    assert deployments.ids()["UploadsBucket"] not in kept


@pytest.mark.parametrize(
    ("stack", "parameters"),
    [("rest", EMULATED_OF_REST_API), ("url", OF_FUNCTION_URL)],
    ids=["REST API", "function URL"],
)
def test_stack_is_created_with_every_parameter_away_from_its_default(
    deployments: Deployments, stack: str, parameters: dict[str, str]
) -> None:
    assert deployments.deploy(stack, parameters) == "CREATE_COMPLETE"
    assert "UploadsBucket" not in deployments.ids(stack)
    for name in FUNCTIONS:
        function = deployments.function(name, stack)
        variables = function["Environment"]["Variables"]
        assert (function["MemorySize"], variables["LOG_LEVEL"], variables["KNOWN_THRESHOLD"]) == (
            2048,
            "WARNING",
            "0.5",
        )
        assert function["VpcConfig"]["SubnetIds"] == NETWORK["SubnetIds"].split(",")
    assert deployments.ids(stack)["NetworkAccess"].startswith("arn:aws:iam::")
