"""The checks before a deployment, against an emulated AWS, and that `make deploy` asks nothing."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping

import boto3
import pytest

from infra.emulation.names import CREDENTIALS, REGION
from infra.operations.deployable import CannotDeploy, check_account, check_names, check_state
from tests.support.machine import PROJECT


@pytest.mark.parametrize("stack", ["clothes", "Clothes-Classifier", "a", "a" * 71])
def test_name_that_cloudformation_and_step_functions_take_is_accepted(stack: str) -> None:
    check_names(stack, "")


@pytest.mark.parametrize(
    ("stack", "email", "reason"),
    [
        pytest.param("", "", "no name of a stack", id="empty"),
        pytest.param("1clothes", "", "no name of a stack", id="digit"),
        pytest.param("my_clothes", "", "no name of a stack", id="underscore"),
        pytest.param("kleidung-für-alle", "", "no name of a stack", id="umlaut"),
        pytest.param("a" * 72, "", "at most 71", id="long"),
        pytest.param("clothes", "me", "no e-mail address", id="no at sign"),
        pytest.param("clothes", "me at@example.com", "no e-mail address", id="space"),
    ],
)
def test_name_or_address_that_would_be_refused_is_refused_before(stack: str, email: str, reason: str) -> None:
    with pytest.raises(CannotDeploy, match=reason):
        check_names(stack, email)


@pytest.mark.parametrize("state", ["", "REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_stack_that_can_be_changed_is_accepted(state: str) -> None:
    check_state("clothes", state)


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name clothes"),
        ("DELETE_FAILED", "delete-stack --stack-name clothes"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name clothes"),
        ("UPDATE_IN_PROGRESS", "wait until"),
    ],
)
def test_stack_that_cannot_be_changed_is_refused_with_advice(state: str, advice: str) -> None:
    with pytest.raises(CannotDeploy, match=advice):
        check_state("clothes", state)


def session(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return boto3.Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name=REGION)


def test_account_and_region_are_reported_before_a_deployment(aws_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_account(session(f"http://127.0.0.1:{aws_port}", monkeypatch), "clothes")
    assert found == f"account 123456789012, region {REGION}"


def command(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m infra deployable` with no AWS settings but `environment`, and none from files or this machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    isolated = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-m", "infra", "deployable", "--stack", "clothes", *arguments],
        cwd=PROJECT,
        env={**inherited, **isolated, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        pytest.param({}, "no region is set", id="region"),
        pytest.param({"AWS_DEFAULT_REGION": "eu-central-1"}, "no AWS credentials were found", id="credentials"),
        pytest.param(
            {**CREDENTIALS, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "AWS could not be reached",
            id="unreachable",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(environment: dict[str, str], reason: str) -> None:
    completed = command({**environment, "AWS_MAX_ATTEMPTS": "1"})
    assert completed.returncode == 2
    assert completed.stderr.startswith(f"error: {reason}")
    assert completed.stderr.count("\n") == 1


def commands_of_make(*variables: str) -> list[str]:
    """What `make deploy` would run."""
    completed = subprocess.run(
        ["make", "--dry-run", "deploy", *variables], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [line for line in completed.stdout.replace("\\\n", "").splitlines() if "sam " in line or "infra " in line]


def test_make_deploy_checks_first_and_asks_nothing() -> None:
    check, build, deploy = [line for line in commands_of_make() if "bin/" in line and "pip" not in line][-3:]
    assert "infra deployable --stack" in check
    assert "sam build" in build
    assert "--guided" not in deploy
    assert "AlarmEmail" not in deploy


@pytest.mark.parametrize("environment", ["default", "dev"])
def test_settings_of_sam_ask_nothing(environment: str) -> None:
    settings = tomllib.loads((PROJECT / "samconfig.toml").read_text(encoding="utf-8"))[environment]["deploy"][
        "parameters"
    ]
    assert settings["confirm_changeset"] is False
    assert settings["resolve_s3"] is True


@pytest.mark.parametrize(
    ("variable", "argument"),
    [
        ("GUIDED=1", "--guided"),
        ("ALARM_EMAIL=me@example.com", "AlarmEmail=me@example.com"),
        ("STACK=Mine", '--stack-name "Mine"'),
        ("ENV=dev", '--stack-name "clothes-classifier-dev"'),
        ("ARCHITECTURE=arm64", "Architecture=arm64"),
    ],
)
def test_make_deploy_takes_variables(variable: str, argument: str) -> None:
    assert argument in commands_of_make(variable)[-1]


@pytest.mark.parametrize("variable", ["ALARM_EMAIL=me@example.com", "BUCKETS=my-photos", "PARAMETERS=Docs=off"])
def test_make_deploy_refuses_parameters_beside_those_of_an_environment(variable: str) -> None:
    command = ["make", "--dry-run", "deploy", "ENV=dev", variable]
    completed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert completed.returncode == 2
    assert "ENV=dev takes all parameters from samconfig.toml: put them there, or leave out ENV" in completed.stderr
