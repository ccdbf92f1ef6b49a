"""A first deployment: template.yaml after SAM's transform, its rules, names, outputs in every partition, and grants."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.emulation.names import CREDENTIALS
from tests.support.emulated_stack import SAM_PYTHON, transformed
from tests.support.machine import PROJECT, missing
from tests.support.template import PARAMETERS, RESOURCES, TEMPLATE

# Partitions, with a region, the suffix of their domains, and the console's domain, from AWS's documentation.
PARTITIONS: Final = {
    "aws": ("eu-central-1", "amazonaws.com", "console.aws.amazon.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn", "console.amazonaws.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com", "console.amazonaws-us-gov.com"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu", "console.amazonaws-eusc.eu"),
    "aws-iso": ("us-iso-east-1", "c2s.ic.gov", None),
}

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
    """`sam deploy --guided` asks about each event without authentication, and ends if the answer is no."""
    if not SAM_PYTHON.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    asked = subprocess.run(
        [SAM_PYTHON, "-c", AUTHENTICATION, PROJECT / "template.yaml"],
        env={**os.environ, **CREDENTIALS},
        capture_output=True,
        text=True,
        check=True,
    )
    events = json.loads(asked.stdout)
    assert [has_authentication for _, has_authentication in events] == [True] * 4


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
    rule = TEMPLATE["Rules"][name]
    return _holds(rule["RuleCondition"], given) and not all(
        _holds(each["Assert"], given) for each in rule["Assertions"]
    )


def _holds(expression: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    ((function, arguments),) = expression.items()
    match function, arguments:
        case "Not", [negated]:
            return not _holds(negated, given)
        case "Equals", [left, right]:
            return _text(left, given) == _text(right, given)
        case "Contains", [values, value]:
            return _text(value, given) in values
    raise TypeError(function)


def _text(value: Any, given: Mapping[str, str]) -> str:
    return given[value["Ref"]] if isinstance(value, Mapping) else str(value)


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
        pytest.param("UserPoolForJwt", {"Authorizer": "JWT"}, {"Authorizer": "JWT", "UserPoolArn": "arn"}, id="pool"),
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


def output(name: str, partition: str) -> str | None:
    """The value of an output in `partition`, with resources by their logical names; None if there is no such output."""
    region, suffix, _ = PARTITIONS[partition]
    pseudo = {"AWS::Partition": partition, "AWS::Region": region, "AWS::URLSuffix": suffix, "AWS::StackName": "clothes"}
    found = TEMPLATE["Outputs"][name]
    if "Condition" in found and not _condition(found["Condition"], pseudo):
        return None
    return _resolved(found["Value"], pseudo)


def _condition(name: str, pseudo: Mapping[str, str]) -> bool:
    return _evaluated(TEMPLATE["Conditions"][name], pseudo)


def _evaluated(expression: Any, pseudo: Mapping[str, str]) -> bool:
    ((function, arguments),) = expression.items()
    match function, arguments:
        case "Condition", str(name):
            return _condition(name, pseudo)
        case "Or", list():
            return any(_evaluated(each, pseudo) for each in arguments)
    parameters = {each: str(parameter["Default"]) for each, parameter in PARAMETERS.items()}
    return _holds(expression, {**parameters, **pseudo})


def _resolved(value: Any, pseudo: Mapping[str, str]) -> str:
    match value:
        case {"Ref": str(name)} | {"GetAtt": str(name)}:
            return pseudo.get(name, name)
        case {"If": [str(condition), then, otherwise]}:
            return _resolved(then if _condition(condition, pseudo) else otherwise, pseudo)
        case {"Sub": [str(text), dict(variables)]}:
            known = {**pseudo, **{name: _resolved(each, pseudo) for name, each in variables.items()}}
            return re.sub(r"\$\{([\w:]+)\}", lambda name: known.get(name[1], name[1]), text)
        case {"Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: pseudo.get(name[1], name[1]), text)
    return str(value)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_addresses_are_of_the_partition(partition: str) -> None:
    region, suffix, console = PARTITIONS[partition]
    assert output("Endpoint", partition) == f"https://Api.execute-api.{region}.{suffix}/Prod/"
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
        ("AllowS3Inventory", "inventory", {"ArnEquals": {"aws:SourceArn": {"GetAtt": "UploadsBucket.Arn"}}}),
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
    assert granted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, **source}


def test_queue_takes_messages_only_of_buckets_of_this_account() -> None:
    (granted,) = [
        each
        for each in RESOURCES["UploadsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    ]
    assert granted["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert granted["Condition"]["ArnLike"] == {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:s3:::*"}}
