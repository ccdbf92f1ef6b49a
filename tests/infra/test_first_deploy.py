"""A first deployment: template.yaml after SAM's transform, its rules, names and grants."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.emulation.names import CREDENTIALS
from tests.support.conditions import holds
from tests.support.emulated_stack import SAM_PYTHON, transformed
from tests.support.machine import PROJECT, missing
from tests.support.template import PARAMETERS, RESOURCES, TEMPLATE, first_branch

# What SAM asks about: its own function, run by the Python of its environment.
AUTHENTICATION: Final = """
import json, sys
from samcli.commands.deploy.auth_utils import auth_per_resource
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
print(json.dumps(auth_per_resource(SamLocalStackProvider.get_stacks(sys.argv[1])[0])))
"""


def resources_of(kind: str) -> dict[str, Any]:
    return {name: each for name, each in transformed()["Resources"].items() if each["Type"] == kind}


@pytest.mark.slow
def test_api_has_one_stage_and_it_is_throttled() -> None:
    """SAM adds a stage of its own without `OpenApiVersion`, which would be an entrance without throttles."""
    (stage,) = resources_of("AWS::ApiGateway::Stage").values()
    (deployment,) = resources_of("AWS::ApiGateway::Deployment").values()
    assert stage["Properties"]["StageName"] == "Prod"
    assert "StageName" not in deployment["Properties"]
    every_method, _ = stage["Properties"]["MethodSettings"]
    assert (every_method["ResourcePath"], every_method["HttpMethod"]) == ("/*", "*")
    assert every_method["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}


@pytest.mark.slow
def test_definition_of_the_api_is_as_written() -> None:
    """Neither `OpenApiVersion` nor `Auth` changes the credentials, the preflights or the binary media types."""
    (api,) = resources_of("AWS::ApiGateway::RestApi").values()
    written, body = RESOURCES["Api"]["Properties"]["DefinitionBody"], api["Properties"]["Body"]
    assert body["swagger"] == "2.0"
    assert set(body["securityDefinitions"]) == set(written["securityDefinitions"])
    assert {path: set(methods) for path, methods in body["paths"].items()} == {
        path: set(methods) for path, methods in written["paths"].items()
    }
    preflights = [methods["options"] for methods in body["paths"].values() if "options" in methods]
    assert [each["x-amazon-apigateway-integration"]["type"] for each in preflights] == ["mock"] * 3
    assert body["x-amazon-apigateway-binary-media-types"] == ["*/*"]


@pytest.mark.slow
def test_sam_has_no_question_about_authentication() -> None:
    """`sam deploy --guided` asks about SAM's events and URLs without authentication, and ends if the answer is no."""
    if not SAM_PYTHON.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    asked = subprocess.run(
        [SAM_PYTHON, "-c", AUTHENTICATION, PROJECT / "template.yaml"],
        env={**os.environ, **CREDENTIALS},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(asked.stdout) == []


def test_what_a_failed_creation_leaves_does_not_block_the_next_one() -> None:
    kept = {name: each["DeletionPolicy"] for name, each in RESOURCES.items() if "DeletionPolicy" in each}
    assert {"UploadsBucket", "ResultsBucket"} <= set(kept)
    assert set(kept.values()) == {"RetainExceptOnCreate"}
    assert not [name for name in kept if any("Name" in each for each in RESOURCES[name].get("Properties", {}))]


@pytest.mark.slow
def test_only_resources_that_need_a_name_have_one() -> None:
    named = {
        name
        for name, each in transformed()["Resources"].items()
        for key in ("BucketName", "QueueName", "FunctionName", "RoleName", "TopicName", "LogGroupName", "AlarmName")
        if key in each.get("Properties", {}) and each["Type"] not in REFERRING
    }
    assert named == {"BackfillLogs"}  # a prefix that CloudWatch treats differently


REFERRING: Final = {
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
}


def rule_fails(name: str, values: Mapping[str, Any]) -> bool:
    """Whether CloudFormation refuses these parameters, the others at their defaults, by the rule `name`."""
    given = {each: str(parameter["Default"]) for each, parameter in PARAMETERS.items()} | dict(values)
    rule, conditions = TEMPLATE["Rules"][name], TEMPLATE["Conditions"]
    return holds(rule["RuleCondition"], conditions, given) and not all(
        holds(each["Assert"], conditions, given) for each in rule["Assertions"]
    )


@pytest.mark.parametrize(
    ("rule", "refused", "accepted"),
    [
        pytest.param(
            "WindowForLargeBatches", {"BatchSize": "11"}, {"BatchSize": "11", "BatchingWindowSeconds": "1"}, id="batch"
        ),
        pytest.param(
            "ConcurrencyOfWorkers",
            {"WorkerReservedConcurrency": "1"},
            {"WorkerReservedConcurrency": "5"},
            id="reserved",
        ),
        pytest.param(
            "RoleForAccessLogs",
            {"ApiGatewayAccountRole": "on"},
            {"ApiGatewayAccountRole": "on", "AccessLogs": "on"},
            id="role",
        ),
        pytest.param(
            "EmailForBudget", {"MonthlyBudget": "5"}, {"MonthlyBudget": "5", "AlarmEmail": "a@b"}, id="budget"
        ),
        pytest.param(
            "FiltersForExistingBuckets",
            {"UploadsPrefix": "in/"},
            {"UploadsPrefix": "in/", "UploadsBucketNames": "my-photos"},
            id="filters",
        ),
        pytest.param(
            "OneWebAcl",
            {"WebAclArn": "arn", "RequestsPerAddress": "100"},
            {"WebAclArn": "arn", "RequestsPerAddress": "0"},
            id="web ACL",
        ),
        pytest.param("UserPoolForJwt", {"Authorizer": "JWT"}, {"Authorizer": "JWT", "UserPoolArn": "arn"}, id="pool"),
        pytest.param(
            "CertificateForDomain",
            {"DomainName": "a.example"},
            {"DomainName": "a.example", "CertificateArn": "arn"},
            id="certificate",
        ),
        pytest.param(
            "DomainForCertificate", {"CertificateArn": "arn"}, {"CertificateArn": "arn", "DomainName": "a"}, id="domain"
        ),
        pytest.param("DomainForCertificate", {"DomainBasePath": "v1"}, {}, id="base path"),
        pytest.param("DomainForCertificate", {"HostedZoneId": "Z1"}, {}, id="zone"),
        pytest.param(
            "SecurityGroupsForSubnets", {"SubnetIds": "a"}, {"SubnetIds": "a", "SecurityGroupIds": "b"}, id="subnets"
        ),
        pytest.param("SubnetsForSecurityGroups", {"SecurityGroupIds": "b"}, {}, id="security groups"),
        pytest.param("AddressLimitOfWaf", {"RequestsPerAddress": "9"}, {"RequestsPerAddress": "10"}, id="addresses"),
    ],
)
def test_rule_refuses_parameters_that_do_not_fit_each_other(
    rule: str, refused: dict[str, str], accepted: dict[str, str]
) -> None:
    assert rule_fails(rule, refused)
    assert not rule_fails(rule, accepted)


@pytest.mark.parametrize("rule", TEMPLATE["Rules"])
def test_defaults_pass_every_rule(rule: str) -> None:
    assert not rule_fails(rule, {})


def test_limits_of_sqs_and_lambda_bound_the_parameters() -> None:
    """MaximumConcurrency is at least 2, a batch has at most 10,000 messages, and a window at most 300 seconds."""
    assert PARAMETERS["WorkerConcurrency"]["MinValue"] >= 2
    assert PARAMETERS["BatchSize"]["MaxValue"] <= 10_000
    assert PARAMETERS["BatchingWindowSeconds"]["MaxValue"] <= 300
    longest = max(each["WithWindow"] for each in TEMPLATE["Mappings"]["VisibilityTimeouts"].values())
    assert longest <= 12 * 60 * 60


def statement(sid: str) -> dict[str, Any]:
    (found,) = [
        each
        for each in RESOURCES["ResultsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if each["Sid"] == sid
    ]
    return dict(found)


@pytest.mark.parametrize(
    ("sid", "folder", "source"),
    [
        ("AllowS3Inventory", "inventory", {"ArnEquals": {"aws:SourceArn": [{"GetAtt": "UploadsBucket.Arn"}]}}),
        (
            "AllowBatchOperationsReports",
            "backfill",
            {"ArnLike": {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:s3:${AWS::Region}:${AWS::AccountId}:job/*"}}},
        ),
    ],
)
def test_s3_may_write_only_its_reports_for_this_account(sid: str, folder: str, source: dict[str, Any]) -> None:
    granted = statement(sid)
    assert granted["Principal"] == {"Service": "s3.amazonaws.com"}
    assert granted["Action"] == "s3:PutObject"
    assert granted["Resource"] == {"Sub": f"${{ResultsBucket.Arn}}/{folder}/*"}
    given = {
        operator: {name: first_branch(value) for name, value in values.items()}
        for operator, values in granted["Condition"].items()
    }
    assert given == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, **source}


def test_queue_takes_messages_only_of_buckets_of_this_account() -> None:
    (granted,) = [
        each
        for each in map(first_branch, RESOURCES["UploadsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"])
        if each["Effect"] == "Allow"
    ]
    assert granted["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert granted["Condition"]["ArnLike"] == {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:s3:::*"}}
