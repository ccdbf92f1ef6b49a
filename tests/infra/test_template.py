"""template.yaml agrees with the code: settings, permissions, lifecycle rules and parameters."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from handler.api.presigned_uploads import Uploads
from handler.result_keys import CORRECTIONS_FOLDER, result_key
from handler.settings import Settings
from tests.support.template import (
    FUNCTIONS,
    PARAMETERS,
    RESOURCES,
    TEMPLATE,
    environment,
    first_branch,
    statements_of,
)


def test_settings_of_both_functions_are_valid_and_consistent() -> None:
    http, worker = (Settings.from_environment(environment(name)) for name in FUNCTIONS)
    assert (http.uploads_bucket, http.results_bucket) == ("uploads-bucket", "results-bucket")
    assert worker.results_bucket == http.results_bucket
    assert worker.max_body_bytes == http.max_upload_bytes == Settings().max_upload_bytes
    assert worker.known_threshold == http.known_threshold == Settings().known_threshold
    for limit in ("max_batch_images", "max_batch_pixels", "request_seconds", "docs"):
        assert getattr(http, limit) == getattr(Settings(), limit)
    assert http.cors_origins == Settings().cors_origins


@pytest.mark.parametrize("function", FUNCTIONS)
def test_environment_variables_are_known_settings(function: str) -> None:
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
def test_allowed_pattern_equals_what_settings_accept(parameter: str, values: list[str]) -> None:
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
    """The key of an upload through the API."""
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)
    return Uploads(Settings(uploads_bucket="u", results_bucket="r", aws_region="us-east-1")).ticket().fields["key"]


def test_only_api_uploads_and_their_results_expire(upload_key: str) -> None:
    result = result_key("${UploadsBucket}", upload_key, "version")
    for bucket, key in (("UploadsBucket", upload_key), ("ResultsBucket", result)):
        rules = map(first_branch, RESOURCES[bucket]["Properties"]["LifecycleConfiguration"]["Rules"])
        (expiring,) = [rule for rule in rules if rule.get("ExpirationInDays") == {"Ref": "UploadDays"}]
        prefix = expiring["Prefix"]
        assert key.startswith(prefix["Sub"][0].replace("Bucket", "UploadsBucket") if "Sub" in prefix else prefix)


def test_manifests_and_reports_of_backfills_expire() -> None:
    rules = map(first_branch, RESOURCES["ResultsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"])
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "backfill/"] == [90]


def test_corrections_are_off_by_default_and_expire() -> None:
    assert PARAMETERS["Corrections"]["Default"] == "off"
    assert TEMPLATE["Conditions"]["TakesCorrections"] == {"Equals": [{"Ref": "Corrections"}, "on"]}
    (granted,) = [
        statement["If"][1]
        for statement in statements_of("HttpFunctionRole")
        if statement.get("If", [None])[0] == "TakesCorrections"
    ]
    assert granted["Action"] == "s3:PutObject"
    assert granted["Resource"] == {"Sub": f"${{ResultsBucket.Arn}}/{CORRECTIONS_FOLDER}*"}
    rules = map(first_branch, RESOURCES["ResultsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"])
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == CORRECTIONS_FOLDER] == [365]


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ResultsBucket"])
def test_bucket_is_private_encrypted_and_expires_old_versions(bucket: str) -> None:
    properties = RESOURCES[bucket]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule and "Prefix" not in rule for rule in rules)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


@pytest.mark.parametrize("seconds", PARAMETERS["WorkerTimeout"]["AllowedValues"])
def test_visibility_is_six_times_the_worker_timeout_and_the_window(seconds: str) -> None:
    timeouts = TEMPLATE["Mappings"]["VisibilityTimeouts"][seconds]
    assert timeouts["WithoutWindow"] == 6 * int(seconds)
    assert timeouts["WithWindow"] == 6 * int(seconds) + PARAMETERS["BatchingWindowSeconds"]["MaxValue"]
    condition, with_window, without = RESOURCES["UploadsQueue"]["Properties"]["VisibilityTimeout"]["If"]
    assert TEMPLATE["Conditions"][condition] == {"Not": [{"Equals": [{"Ref": "BatchingWindowSeconds"}, "0"]}]}
    assert (with_window["FindInMap"][2], without["FindInMap"][2]) == ("WithWindow", "WithoutWindow")
    assert RESOURCES["WorkerFunction"]["Properties"]["Timeout"] == {"Ref": "WorkerTimeout"}


def test_every_parameter_has_default_description_and_group() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)
    assert all({"Default", "Description"} <= set(parameter) for parameter in PARAMETERS.values())


def test_only_preflights_and_health_are_public() -> None:
    paths = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
    public = {
        (path, method) for path, methods in paths.items() for method, each in methods.items() if not each["security"]
    }
    assert public == {("/", "options"), ("/{proxy+}", "options"), ("/uploads", "options"), ("/health", "get")}
    methods = [paths[path]["x-amazon-apigateway-any-method"] for path in ("/", "/{proxy+}", "/uploads")]
    methods.append(paths["/uploads"]["post"])
    assert all(method == methods[0] for method in methods)
    assert guards(methods[0]["security"], set()) == []
    assert guards(methods[0]["security"], {"RequiresApiKey"}) == ["ApiKey"]
    for one in ("Iam", "Jwt"):
        assert guards(methods[0]["security"], {f"Requires{one}"}) == [one]
        assert guards(methods[0]["security"], {"RequiresApiKey", f"Requires{one}"}) == ["ApiKey", one]


def guards(security: Any, conditions: set[str]) -> list[str]:
    """The credentials that the gateway requires if these `conditions` hold."""
    while isinstance(security, dict):
        condition, then, otherwise = security["If"]
        security = then if condition in conditions else otherwise
    return [next(iter(each)) for each in security]


def granted_by_default(role: str) -> Iterator[dict[str, Any]]:
    """Statements with the default parameters."""
    return filter(lambda each: "Sid" in each, map(first_branch, statements_of(role)))


def test_http_function_can_access_only_api_uploads(upload_key: str) -> None:
    granted = {each["Action"]: each for each in granted_by_default("HttpFunctionRole") if each["Sid"] != "WriteLogs"}
    assert set(granted) == {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    for each in granted.values():
        resources = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        if each["Action"] == "s3:ListBucket":
            api, results = each["Condition"]["StringLike"]["s3:prefix"]
            assert (api, results["Sub"][0]) == ("api/*", "results/${Bucket}/api/*")
        else:
            assert all(resource["Sub"][0].endswith("/api/*") for resource in resources)
    assert granted["s3:PutObject"]["Resource"]["Sub"][0] == "arn:${AWS::Partition}:s3:::${Bucket}/api/*"
    assert upload_key.startswith("api/")


def test_http_function_cannot_touch_existing_buckets_by_default() -> None:
    first, *others = statements_of("HttpFunctionRole")
    assert first["Sid"] == "WriteLogs"
    assert {each["If"][0] for each in others} == {"UsesTracing", "HasKey", "TakesApiUploads", "TakesCorrections"}
    assert TEMPLATE["Conditions"]["TakesApiUploads"]["And"][1] == {
        "Or": [{"Condition": "MakesUploadsBucket"}, {"Equals": [{"Ref": "ApiUploads"}, "on"]}]
    }
    assert PARAMETERS["ApiUploads"]["Default"] == "off"


def test_uploads_bucket_cors_allows_only_post_and_shows_what_was_stored() -> None:
    (rule,) = RESOURCES["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST"]
    assert rule["ExposedHeaders"] == ["ETag", "Location"]
    assert "CorsConfiguration" not in RESOURCES["ResultsBucket"]["Properties"]


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ("", True),
        ("my-photos", True),
        ("aaa,bbb,ccc,ddd,eee", True),
        ("aaa,bbb,ccc,ddd,eee,fff", False),
        ("aaa, bbb", False),
        ("aaa,", False),
        ("My-Photos", False),
        ("aa", False),
        ("a" * 64, False),
    ],
)
def test_one_to_five_names_of_existing_buckets_are_accepted(names: str, allowed: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS["UploadsBucketNames"]["AllowedPattern"], names)) == allowed


@pytest.mark.parametrize(("part", "allowed"), [("in/2026 new/", True), (".jpg", True), ("a*b", False), ("a\\b", False)])
def test_filters_of_keys_have_no_wildcards(part: str, allowed: bool) -> None:
    for name in ("UploadsPrefix", "UploadsSuffix"):
        assert bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], part)) == allowed
        assert PARAMETERS[name]["MaxLength"] == 1024  # bytes of a key
