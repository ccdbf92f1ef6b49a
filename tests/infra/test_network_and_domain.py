"""A VPC for the functions and a domain for the API: off by default, and what each combination makes."""

import json
import re
from itertools import product
from typing import Any, Final

import pytest

from tests.support.conditions import references, stack_of
from tests.support.emulated_stack import transformed, transformed_for
from tests.support.parameters import (
    DOMAIN,
    DOMAIN_WITH_RECORD,
    NETWORK,
    OF_FUNCTION_URL,
    OF_ORGANIZATION,
    OF_REST_API,
    PUBLIC_URL,
    SIGNED_URL,
)
from tests.support.template import FUNCTIONS, PARAMETERS

RULES: Final = {name: OF_REST_API[name] for name in ("KmsKeyArn", "PermissionsBoundary", "Tracing")}
COMBINATIONS: Final = [
    {**door, **network, **rules, **buckets}
    for door, network, rules, buckets in product(
        ({}, DOMAIN, DOMAIN_WITH_RECORD, SIGNED_URL, PUBLIC_URL),
        ({}, NETWORK),
        ({}, RULES),
        ({}, {"UploadsBucketNames": "my-photos"}),
    )
]
ONLY_WITH_VPC: Final = {"NetworkAccess"}
ONLY_WITH_DOMAIN: Final = {"ApiDomain", "ApiDomainMapping"}


def named(combination: dict[str, str]) -> str:
    return " ".join(combination) or "defaults"


READ_BY_SAM: Final = {name: PARAMETERS[name]["Default"] for name in ("Tracing", "GradualDeployment")}


@pytest.mark.slow
def test_translation_depends_on_no_other_parameters() -> None:
    """SAM, which sees their values on AWS, leaves what depends on them to CloudFormation."""
    for translated in transformed_for({**OF_REST_API, **READ_BY_SAM}, {**OF_FUNCTION_URL, **READ_BY_SAM}):
        assert _without_hashes(translated) == _without_hashes(transformed())


def _without_hashes(document: dict[str, Any]) -> Any:
    return json.loads(re.sub(r"(Version|Deployment|id: )[0-9a-f]{10,40}\b", r"\1", json.dumps(document)))


def test_parameters_away_from_their_defaults_are_all_of_the_template() -> None:
    for name, parameter in PARAMETERS.items():
        values = {given.get(name, parameter["Default"]) for given in (OF_REST_API, OF_FUNCTION_URL, OF_ORGANIZATION)}
        assert {str(value) for value in values} - {str(parameter["Default"])}, name


@pytest.mark.slow
@pytest.mark.parametrize("combination", COMBINATIONS, ids=named)
def test_combination_makes_what_it_refers_to_and_no_more(combination: dict[str, str]) -> None:
    stack = stack_of(**combination)
    made = set(stack["Resources"])
    assert set(references(stack)) & (set(transformed()["Resources"]) - made) == set()
    assert made & ONLY_WITH_VPC == (ONLY_WITH_VPC if "SubnetIds" in combination else set())
    assert made & ONLY_WITH_DOMAIN == (ONLY_WITH_DOMAIN if "DomainName" in combination else set())
    assert ("ApiDomainRecord" in made) == ("HostedZoneId" in combination)
    assert ("DomainTarget" in stack["Outputs"]) == ("DomainName" in combination)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_in_the_vpc_and_its_role_may_use_network_interfaces(function: str) -> None:
    resources = stack_of(**NETWORK, **RULES)["Resources"]
    network = resources[function]["Properties"]["VpcConfig"]
    separated = {"Fn::Split": [",", {"Ref": "SubnetIds"}]}
    assert network["SubnetIds"] == separated
    assert network["SecurityGroupIds"] == {"Fn::Split": [",", {"Ref": "SecurityGroupIds"}]}
    role = resources[f"{function}Role"]["Properties"]
    assert role["ManagedPolicyArns"] == [{"Ref": "NetworkAccess"}]
    assert role["PermissionsBoundary"] == {"Ref": "PermissionsBoundary"}


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_a_vpc_no_role_has_rights_of_a_network(function: str) -> None:
    resources = stack_of()["Resources"]
    assert resources[function]["Properties"]["VpcConfig"] == {"Ref": "AWS::NoValue"}
    assert resources[f"{function}Role"]["Properties"]["ManagedPolicyArns"] == {"Ref": "AWS::NoValue"}
    assert "ec2:" not in json.dumps(resources)


@pytest.mark.slow
def test_rights_of_the_network_are_those_of_lambda_and_not_of_the_code() -> None:
    """Lambda's own policy AWSLambdaVPCAccessExecutionRole has these actions; the denial is as Lambda's guide has it."""
    policy = stack_of(**NETWORK)["Resources"]["NetworkAccess"]["Properties"]["PolicyDocument"]
    allowed, denied = policy["Statement"]
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    assert {each.partition(":")[0] for each in allowed["Action"]} == {"ec2"}
    assert "Condition" not in allowed
    assert list(denied["Condition"]["ArnLike"]) == ["lambda:SourceFunctionArn"]


@pytest.mark.slow
def test_another_network_publishes_new_versions() -> None:
    """A policy's description cannot be changed, so CloudFormation makes another policy; its name is in the versions."""
    resources = stack_of(**NETWORK)["Resources"]
    described = resources["NetworkAccess"]["Properties"]["Description"]["Fn::Sub"]
    longest = {"SubnetIds": 16 * 25, "SecurityGroupIds": 5 * 21}
    assert set(re.findall(r"\$\{(\w+)\}", described)) == set(longest)
    assert len(described) + sum(longest.values()) <= 1000
    suffix = {"Fn::Select": [1, {"Fn::Split": ["-NetworkAccess-", {"Ref": "NetworkAccess"}]}]}
    versions = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Version"]
    assert [each["Description"]["Fn::Sub"][1]["Network"] for each in versions] == [suffix] * 2


@pytest.mark.slow
def test_domain_is_mapped_to_the_throttled_stage() -> None:
    resources = stack_of(**DOMAIN_WITH_RECORD)["Resources"]
    domain, mapping = (resources[name]["Properties"] for name in ("ApiDomain", "ApiDomainMapping"))
    assert domain["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert domain["RegionalCertificateArn"] == {"Ref": "CertificateArn"}
    assert mapping["Stage"] == {"Ref": "ApiProdStage"}
    assert mapping["BasePath"] == {"Ref": "DomainBasePath"}
    assert stack_of(**DOMAIN)["Resources"]["ApiDomainMapping"]["Properties"]["BasePath"] == {"Ref": "AWS::NoValue"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("combination", "address"),
    [(DOMAIN, "https://${DomainName}/"), (DOMAIN_WITH_RECORD, "https://${DomainName}/${DomainBasePath}/")],
    ids=["domain", "path"],
)
def test_outputs_name_the_address_and_the_target_of_its_record(combination: dict[str, str], address: str) -> None:
    outputs = stack_of(**combination)["Outputs"]
    assert outputs["DomainEndpoint"]["Value"] == {"Fn::Sub": address}
    assert outputs["DomainTarget"]["Value"] == {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("SubnetIds", NETWORK["SubnetIds"], True),
        ("SubnetIds", "subnet-1a2b3c4d", True),
        ("SubnetIds", ",".join(["subnet-1a2b3c4d"] * 17), False),
        ("SubnetIds", "subnet-1a2b3c4d, subnet-1a2b3c4e", False),
        ("SecurityGroupIds", ",".join(["sg-1a2b3c4d"] * 5), True),
        ("SecurityGroupIds", ",".join(["sg-1a2b3c4d"] * 6), False),
        ("DomainName", "clothes.example.com", True),
        ("DomainName", "https://clothes.example.com", False),
        ("DomainName", "clothes", False),
        ("DomainName", "*.example.com", False),
        ("CertificateArn", DOMAIN["CertificateArn"], True),
        ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/a", False),
        ("DomainBasePath", "v1", True),
        ("DomainBasePath", "v1/clothes", False),
        ("HostedZoneId", "Z0123456789ABCDEFGHIJ", True),
        ("HostedZoneId", "example.com", False),
    ],
)
def test_parameter_takes_what_aws_takes(parameter: str, value: str, allowed: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS[parameter]["AllowedPattern"], value)) == allowed


@pytest.mark.parametrize("parameter", [*NETWORK, *DOMAIN_WITH_RECORD])
def test_each_is_off_by_default(parameter: str) -> None:
    assert PARAMETERS[parameter]["Default"] == ""
