"""The way in for HTTP: a REST API by default, or a function URL; what is made, who may call, and which rules hold."""

import json
from typing import Any, Final

import pytest

from tests.infra.test_first_deploy import rule_fails
from tests.support.conditions import references, stack_of
from tests.support.emulated_stack import transformed
from tests.support.parameters import PUBLIC_URL as PUBLIC
from tests.support.parameters import SIGNED_URL as SIGNED
from tests.support.template import PARAMETERS

STACKS: Final = [
    pytest.param({}, id="REST API"),
    pytest.param({"RequireApiKey": "on", "RequestsPerAddress": "100", "AccessLogs": "on"}, id="REST API with all"),
    pytest.param(SIGNED, id="signed URL"),
    pytest.param(PUBLIC, id="public URL"),
    pytest.param({**PUBLIC, "UploadsBucketNames": "my-photos"}, id="public URL, existing bucket"),
]
OF_GATEWAY: Final = ("AWS::ApiGateway::", "AWS::WAFv2::")
ALIAS: Final = {"Ref": "HttpFunctionAliaslive"}


def permissions(**parameters: str) -> dict[str, dict[str, Any]]:
    """Who may invoke the HTTP function, by logical id."""
    return {
        name: each["Properties"]
        for name, each in stack_of(**parameters)["Resources"].items()
        if each["Type"] == "AWS::Lambda::Permission" and each["Properties"]["FunctionName"] == ALIAS
    }


@pytest.mark.slow
@pytest.mark.parametrize("parameters", STACKS)
def test_nothing_refers_to_what_is_not_made(parameters: dict[str, str]) -> None:
    stack = stack_of(**parameters)
    missing = set(transformed()["Resources"]) - set(stack["Resources"])
    assert set(references(stack)) & missing == set()


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [SIGNED, PUBLIC], ids=["signed", "public"])
def test_function_url_replaces_all_of_the_gateway(parameters: dict[str, str]) -> None:
    stack = stack_of(**parameters)
    kinds = {each["Type"] for each in stack["Resources"].values()}
    assert [kind for kind in kinds if kind.startswith(OF_GATEWAY)] == []
    assert stack["Resources"]["FunctionUrl"]["Properties"]["TargetFunctionArn"] == ALIAS
    assert stack["Outputs"]["Endpoint"]["Value"] == {"Fn::GetAtt": ["FunctionUrl", "FunctionUrl"]}
    assert stack["Outputs"]["HttpFunctionArn"]["Value"] == ALIAS


@pytest.mark.slow
def test_rest_api_is_the_default_and_has_no_function_url() -> None:
    stack = stack_of()
    assert PARAMETERS["FrontDoor"]["Default"] == "RestApi"
    assert "AWS::Lambda::Url" not in {each["Type"] for each in stack["Resources"].values()}
    assert {"Api", "ApiProdStage"} <= set(stack["Resources"])
    assert "execute-api" in json.dumps(stack["Outputs"]["Endpoint"])


@pytest.mark.slow
def test_gateway_may_call_each_path_of_its_definition_under_the_names_that_sam_gives() -> None:
    """SAM would name them so for Events; other names would make an existing stack replace them."""
    found = permissions()
    assert {name: each["SourceArn"]["Fn::Sub"].partition("${Api}/*/")[2] for name, each in found.items()} == {
        "HttpFunctionRootPermissionProd": "*/",
        "HttpFunctionProxyPermissionProd": "*/*",
        "HttpFunctionNewUploadPermissionProd": "POST/uploads",
        "HttpFunctionHealthPermissionProd": "GET/health",
    }
    assert {each["Principal"] for each in found.values()} == {"apigateway.amazonaws.com"}


@pytest.mark.slow
def test_nobody_may_call_a_signed_url_unless_their_own_policy_says_so() -> None:
    """A resource policy for everyone would let every AWS account in."""
    assert permissions(**SIGNED) == {}


@pytest.mark.slow
def test_public_url_has_both_permissions_and_they_hold_for_the_url_only() -> None:
    found = permissions(**PUBLIC).values()
    limited = {each["Action"]: (each.get("FunctionUrlAuthType"), each.get("InvokedViaFunctionUrl")) for each in found}
    assert limited == {"lambda:InvokeFunctionUrl": ("NONE", None), "lambda:InvokeFunction": (None, True)}
    assert {each["Principal"] for each in found} == {"*"}


@pytest.mark.slow
@pytest.mark.parametrize(("parameters", "has_tickets"), [(SIGNED, True), (PUBLIC, False)], ids=["signed", "public"])
def test_tickets_need_a_throttle_or_a_signature(parameters: dict[str, str], has_tickets: bool) -> None:
    function = stack_of(**parameters)["Resources"]["HttpFunction"]["Properties"]
    bucket = function["Environment"]["Variables"]["UPLOADS_BUCKET"]
    assert bucket == ({"Ref": "UploadsBucket"} if has_tickets else "")
    (policy,) = stack_of(**parameters)["Resources"]["HttpFunctionRole"]["Properties"]["Policies"]
    given = [each for each in policy["PolicyDocument"]["Statement"] if each != {"Ref": "AWS::NoValue"}]
    assert [each["Effect"] for each in given] == ["Allow"] * (4 if has_tickets else 1)


@pytest.mark.parametrize(
    ("rule", "refused", "accepted"),
    [
        ("GatewayOnly", {**SIGNED, "Authorizer": "IAM"}, {"Authorizer": "IAM"}),
        ("GatewayOnly", {**SIGNED, "RequireApiKey": "on"}, {"RequireApiKey": "on"}),
        ("GatewayOnly", {**SIGNED, "RequestsPerAddress": "100"}, {"RequestsPerAddress": "100"}),
        ("GatewayOnly", {**SIGNED, "WebAclArn": "arn"}, {"WebAclArn": "arn"}),
        ("GatewayOnly", {**SIGNED, "AccessLogs": "on"}, {"AccessLogs": "on"}),
        ("GatewayOnly", {**SIGNED, "DomainName": "a.example"}, {"DomainName": "a.example"}),
        ("ThrottleOfPublicUrl", {**PUBLIC, "HttpReservedConcurrency": ""}, PUBLIC),
        ("ThrottleOfPublicUrl", {**PUBLIC, "FrontDoor": "RestApi"}, SIGNED),
        ("ThrottleOfPublicUrl", {**PUBLIC, "ApiUploads": "on"}, {**SIGNED, "ApiUploads": "on"}),
        ("OriginsOfSignedUrl", {**SIGNED, "CorsOrigins": "*"}, {**PUBLIC, "CorsOrigins": "*"}),
    ],
)
def test_rule_refuses_what_a_function_url_lacks(rule: str, refused: dict[str, str], accepted: dict[str, str]) -> None:
    assert rule_fails(rule, refused)
    assert not rule_fails(rule, accepted)


@pytest.mark.parametrize("name", ["RequestsPerSecond", "RequestBurst", "TicketsPerSecond", "TicketBurst"])
def test_rates_that_a_function_url_ignores_are_named(name: str) -> None:
    description = PARAMETERS["RequestsPerSecond"]["Description"]
    assert "Without effect with FrontDoor FunctionUrl" in description
    assert name == "RequestsPerSecond" or name in description
