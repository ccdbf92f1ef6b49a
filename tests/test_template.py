"""template.yaml says what the code relies on: errors in one shape, settings by their names, rights that suffice."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from handler.problems import MEDIA_TYPE, Problem
from handler.result_keys import result_key
from handler.settings import Settings
from handler.uploads import Uploads
from tests.machine import PROJECT


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's own tags: `!Ref X` becomes {"Ref": "X"}, `!Sub X` {"Sub": "X"}, and so on."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(node)


Loader.add_multi_constructor("!", _intrinsic)

TEMPLATE = yaml.load((PROJECT / "template.yaml").read_text(encoding="utf-8"), Loader)
PARAMETERS = TEMPLATE["Parameters"]
RESOURCES = TEMPLATE["Resources"]
RESPONSES = RESOURCES["Api"]["Properties"]["GatewayResponses"]
STATUS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 502,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 502,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}


def rendered(response_type: str) -> Problem:
    """What the gateway answers: `messageString` is the message as JSON, with its quotes."""
    template = RESPONSES[response_type]["ResponseTemplates"]["application/json"]
    text = template.replace("$context.error.messageString", json.dumps('it says "no"'))
    assert "$" not in text
    return Problem.model_validate_json(text)


def test_each_kind_of_error_of_the_gateway_has_its_reply() -> None:
    assert set(RESPONSES) == set(STATUS)


@pytest.mark.parametrize("response_type", STATUS)
def test_an_error_of_the_gateway_is_a_problem_with_its_status(response_type: str) -> None:
    problem = rendered(response_type)
    assert problem.status == STATUS[response_type]
    assert problem.error == problem.detail
    headers = RESPONSES[response_type]["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == f"'{MEDIA_TYPE}'"
    assert headers["X-Request-Id"] == "context.requestId"
    assert "Access-Control-Allow-Origin" in headers
    assert ("Retry-After" in headers) == (problem.status == 429)


@pytest.mark.parametrize("response_type", STATUS)
def test_the_status_is_set_for_each_kind_and_not_for_the_fallbacks_which_might_replace_it(response_type: str) -> None:
    expected = None if response_type.startswith("DEFAULT") else str(STATUS[response_type])
    assert RESPONSES[response_type].get("StatusCode") == expected


def test_the_gateway_says_of_an_unknown_path_what_the_app_says(client: TestClient) -> None:
    assert rendered("MISSING_AUTHENTICATION_TOKEN").model_dump() == client.get("/nowhere").json()


def environment(function: str) -> dict[str, str]:
    """The variables of `function`, with the parameters' defaults; of a bucket its name in the template."""
    variables = RESOURCES[function]["Properties"]["Environment"]["Variables"]
    return {name: _resolved(value) for name, value in variables.items()}


def _resolved(value: Any) -> str:
    if isinstance(value, dict) and "If" in value:
        value = value["If"][1]
    name = value.get("Ref") if isinstance(value, dict) else None
    return str(PARAMETERS[name]["Default"] if name in PARAMETERS else name or value)


def test_the_functions_accept_their_settings_and_agree_on_them() -> None:
    http, worker = (Settings.from_environment(environment(name)) for name in ("HttpFunction", "WorkerFunction"))
    assert (http.uploads_bucket, http.results_bucket) == ("UploadsBucket", "ResultsBucket")
    assert worker.results_bucket == http.results_bucket
    assert worker.max_body_bytes == http.max_upload_bytes == Settings().max_upload_bytes
    assert worker.known_threshold == http.known_threshold == Settings().known_threshold
    assert http.max_batch_images == Settings().max_batch_images
    assert http.cors_origins == Settings().cors_origins


@pytest.mark.parametrize("function", ["HttpFunction", "WorkerFunction"])
def test_no_variable_is_misspelt(function: str) -> None:
    assert {name.lower() for name in environment(function)} <= set(vars(Settings()))


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        pytest.param(
            "CorsOrigins",
            [
                "",
                "*",
                "https://example.com",
                "http://localhost:3000",
                "https://a.com,https://b.com:8443",
                "example.com",
                "https://example.com/",
                "https://a.com,",
                ",https://a.com",
                "https://a.com https://b.com",
                "**",
            ],
            id="origins",
        ),
        pytest.param(
            "KnownThreshold", ["", "0", "1", "0.5", ".5", "1.0", "1.5", "-0.5", "half", "0,5", "1e-3"], id="threshold"
        ),
    ],
)
def test_what_a_parameter_allows_is_what_the_functions_accept(parameter: str, values: list[str]) -> None:
    variable = next(
        name
        for name, value in RESOURCES["HttpFunction"]["Properties"]["Environment"]["Variables"].items()
        if value == {"Ref": parameter}
    )
    allowed = [value for value in values if re.fullmatch(PARAMETERS[parameter]["AllowedPattern"], value)]
    assert allowed == [value for value in values if _accepted(variable, value)]
    assert 0 < len(allowed) < len(values)


def _accepted(variable: str, value: str) -> bool:
    try:
        Settings.from_environment({variable: value})
    except ValueError:
        return False
    return True


@pytest.fixture
def upload_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that the API gives to an upload."""
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)
    return Uploads(Settings(uploads_bucket="u", results_bucket="r", aws_region="us-east-1")).ticket().fields["key"]


def test_uploads_and_their_results_are_forgotten_and_what_came_otherwise_is_not(upload_key: str) -> None:
    result = result_key("${UploadsBucket}", upload_key, "version")
    for bucket, key in (("UploadsBucket", upload_key), ("ResultsBucket", result)):
        rules = RESOURCES[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        (expiring,) = [rule for rule in rules if "ExpirationInDays" in rule]
        prefix = expiring["Prefix"]
        assert key.startswith(prefix["Sub"] if isinstance(prefix, dict) else prefix)
        assert expiring["ExpirationInDays"] == {"Ref": "UploadDays"}


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ResultsBucket"])
def test_buckets_are_private_encrypted_and_versioned_and_old_versions_end_some_day(bucket: str) -> None:
    properties = RESOURCES[bucket]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule and "Prefix" not in rule for rule in rules)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


@pytest.mark.parametrize("seconds", PARAMETERS["WorkerTimeout"]["AllowedValues"])
def test_a_message_stays_hidden_six_times_as_long_as_the_worker_may_take(seconds: str) -> None:
    assert TEMPLATE["Mappings"]["QueuePatience"][seconds]["Seconds"] == 6 * int(seconds)
    assert RESOURCES["WorkerFunction"]["Properties"]["Timeout"] == {"Ref": "WorkerTimeout"}


def test_every_parameter_has_a_default_and_a_description_and_is_shown_in_a_group() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)
    assert all({"Default", "Description"} <= set(parameter) for parameter in PARAMETERS.values())


def test_whoever_may_call_a_browser_may_ask_first_and_anybody_may_ask_for_its_health() -> None:
    paths = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
    opened = {
        (path, method) for path, methods in paths.items() for method, each in methods.items() if not each["security"]
    }
    assert opened == {("/", "options"), ("/{proxy+}", "options"), ("/health", "get")}
    methods = [paths[path]["x-amazon-apigateway-any-method"] for path in ("/", "/{proxy+}")]
    assert methods[0] == methods[1]
    assert guards(methods[0]["security"], set()) == []
    assert guards(methods[0]["security"], {"AsksForApiKey"}) == ["ApiKey"]
    for one in ("Iam", "Jwt"):
        assert guards(methods[0]["security"], {f"AsksFor{one}"}) == [one]
        assert guards(methods[0]["security"], {"AsksForApiKey", f"AsksFor{one}"}) == ["ApiKey", one]


def guards(security: Any, conditions: set[str]) -> list[str]:
    """What the gateway asks for if `conditions` are met."""
    while isinstance(security, dict):
        condition, then, otherwise = security["If"]
        security = then if condition in conditions else otherwise
    return [next(iter(each)) for each in security]


def statements(function: str) -> Iterator[dict[str, Any]]:
    for policy in RESOURCES[function]["Properties"]["Policies"]:
        yield from policy["Statement"]


def test_the_api_reaches_only_what_came_by_it(upload_key: str) -> None:
    granted = {}
    for statement in statements("HttpFunction"):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        granted[statement["Action"]] = resources
        if statement["Action"] == "s3:ListBucket":
            assert statement["Condition"]["StringLike"]["s3:prefix"] == [
                "api/*",
                {"Sub": "results/${UploadsBucket}/api/*"},
            ]
        else:
            assert all(resource["Sub"].endswith("/api/*") for resource in resources)
    assert set(granted) == {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    assert granted["s3:PutObject"] == [{"Sub": "${UploadsBucket.Arn}/api/*"}]
    assert upload_key.startswith("api/")


def test_pages_may_post_to_the_uploads_and_do_nothing_else_with_them() -> None:
    (rule,) = RESOURCES["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST"]
    assert "CorsConfiguration" not in RESOURCES["ResultsBucket"]["Properties"]
