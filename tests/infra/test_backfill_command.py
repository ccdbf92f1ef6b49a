"""`python -m infra` in a subprocess, on a stack created by CloudFormation, with Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final

import boto3
import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.emulation.names import REGION
from tests.support.aws import Cloud, repeated_in_background, work_through
from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT
from tests.support.step_functions import ROLE, definition, edited, enable_state_machines

pytestmark = pytest.mark.slow

STACK: Final = "clothes"
UPLOADS, RESULTS = "clothes-uploads", "clothes-results"
OBJECTS: Final = 5


@pytest.fixture
def stack(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A stack with unclassified objects."""
    enable_state_machines(aws, monkeypatch)
    address = f"http://127.0.0.1:{aws.port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    client = boto3.client("cloudformation", endpoint_url=address, region_name=REGION)
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(template()))
    # State machines of the emulated CloudFormation do not run; this one, of the same name, does.
    sfn = boto3.client("stepfunctions", endpoint_url=address, region_name=REGION)
    sfn.create_state_machine(name="clothes-backfill", definition=machine(), roleArn=ROLE)
    stack = replace(aws, queue_url=url_of(aws, "clothes-queue"), dead_letter_url=url_of(aws, "clothes-dead"))
    for place in range(OBJECTS):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{place}.png", Body=encoded(trousers(28)))
    return stack


@pytest.fixture
def worker(aws: Cloud, classifier: Classifier, card: ModelCard) -> Worker:
    return Worker(aws.s3, classifier, card, Settings(results_bucket=RESULTS))


def url_of(aws: Cloud, name: str) -> str:
    return aws.sqs.get_queue_url(QueueName=name)["QueueUrl"]


def machine() -> str:
    queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/clothes-queue"
    return json.dumps(edited(definition(queue_url, RESULTS)))


def template() -> dict[str, Any]:
    """A template with the resources that the commands look up."""
    resources = {
        "UploadsBucket": ("AWS::S3::Bucket", {"BucketName": UPLOADS}),
        "ResultsBucket": ("AWS::S3::Bucket", {"BucketName": RESULTS}),
        "UploadsQueue": ("AWS::SQS::Queue", {"QueueName": "clothes-queue"}),
        "DeadLetterQueue": ("AWS::SQS::Queue", {"QueueName": "clothes-dead"}),
        "BackfillStateMachine": (
            "AWS::StepFunctions::StateMachine",
            {"StateMachineName": "clothes-backfill", "RoleArn": ROLE, "DefinitionString": machine()},
        ),
    }
    return {
        "Resources": {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()}
    }


def infra(*arguments: str, **changes: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in {**os.environ, **changes}.items() if value}
    command = [sys.executable, "-m", "infra", *arguments]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, **pipes)


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for its exit; returns status, stdout and stderr."""
    with process:
        out, errors = process.communicate(timeout=300)  # as long as a busy machine takes
    return process.returncode, out, errors


def working(stack: Cloud, worker: Worker) -> AbstractContextManager[None]:
    return repeated_in_background(lambda: work_through(stack, worker), pause_seconds=0.1)


def test_backfill_classifies_all_and_second_run_finds_nothing(stack: Cloud, worker: Worker) -> None:
    with working(stack, worker):
        status, out, errors = finished(infra("backfill", "--stack", STACK, "--every", "0.3"))
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "0 of 5 objects have a result"
    assert lines[1].endswith("sends 5 objects to the queue")
    assert any(line.startswith("sent 5 of 5, results 5, waiting 0, dead 0, about $0.00 so far") for line in lines)
    assert lines[-1] == "5 of 5 objects have a result"

    status, out, _ = finished(infra("backfill", "--stack", STACK))
    assert (status, out) == (0, "5 of 5 objects have a result\n")

    status, out, _ = finished(infra("results", "--stack", STACK))
    assert status == 0
    assert sorted(json.loads(line)["key"] for line in out.splitlines()) == [f"{place}.png" for place in range(OBJECTS)]


def test_run_continues_after_ctrl_c_and_can_be_followed(stack: Cloud, worker: Worker) -> None:
    process = infra("backfill", "--stack", STACK, "--every", "0.3")
    assert process.stdout
    while not process.stdout.readline().startswith("sent "):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    status, out, errors = finished(process)
    assert (status, errors) == (130, "")
    command = out.splitlines()[-1].partition("python -m infra ")[2].split()
    assert command[:4] == ["backfill", "--stack", STACK, "--follow"]
    with working(stack, worker):
        status, out, _ = finished(infra(*command, "--every", "0.3"))
    assert status == 0
    assert out.splitlines()[-1] == "5 of 5 objects have a result"


def test_redrive_moves_dead_letters_back(stack: Cloud) -> None:
    stack.sqs.send_message(QueueUrl=stack.dead_letter_url, MessageBody="{}")
    status, out, errors = finished(infra("redrive", "--stack", STACK))
    assert (status, errors) == (0, "")
    assert out.splitlines()[-1] == "moved 1 of 1"
    assert stack.receive()["Records"][0]["body"] == "{}"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--stack", "clothing"], {}, "error: there is no stack 'clothing' in us-east-1"),
        (["--stack", STACK, "--follow", "yesterday"], {}, "error: there is no run 'yesterday'"),
        (
            ["--stack", STACK, "--inventory", "s3://x/y"],
            {},
            "error: the state machine can read an S3 Inventory",
        ),
        (["--stack", STACK], {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "error: Could not connect"),
        (["--stack", STACK], {"AWS_DEFAULT_REGION": ""}, "error: You must specify a region."),
    ],
    ids=["no such stack", "no such run", "not an inventory", "no network", "no region"],
)
def test_failed_start_exits_with_2_and_a_reason(
    stack: Cloud, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    assert stack
    status, out, errors = finished(infra("backfill", *arguments, AWS_MAX_ATTEMPTS="1", **environment))
    assert (status, out) == (2, "")
    assert errors.startswith(message)
    assert errors.count("\n") == 1
