"""Deploy template.yaml to an emulated CloudFormation, and run its worker with the permissions of its role."""

import io
import json
import os
import subprocess
import sys
import zipfile
from ast import literal_eval
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import boto3
import httpx2

from infra.emulation.names import CREDENTIALS, REGION
from tests.support.aws import emulated_aws
from tests.support.machine import PROJECT, missing

SAM_PYTHON: Final = PROJECT / ".venv-sam" / "bin" / "python"
ACCOUNT: Final = "123456789012"  # the emulated one
STACK: Final = "clothes"

# Resources that the emulated CloudFormation cannot create, with the reason why the tests do not need them.
NOT_EMULATED: Final = {
    "AWS::ApiGateway::Account": "only for access logs, which are off by default",
    "AWS::ApiGateway::Deployment": "the emulated gateway does not read the API's definition",
    "AWS::ApiGateway::Stage": "needs a deployment; the API is tested with sam local",
    "AWS::CloudWatch::Alarm": "test_alarms compares alarms with the metrics of the functions",
    "AWS::CloudWatch::Dashboard": "shows the alarms, which are left out",
    "AWS::CodeDeploy::Application": "shifts traffic between versions; there is only one",
    "AWS::CodeDeploy::DeploymentGroup": "belongs to the application",
    "AWS::Lambda::Alias": "references to it are replaced by references to the function",
    "AWS::S3::BucketPolicy": "denies requests without TLS; the emulated S3 has no TLS",
    "AWS::SQS::QueuePolicy": "allows S3 to send; the emulated SQS does not check it",
}

# Runs a handler as Lambda does: events from stdin, responses to stderr.
INVOKE: Final = """
import importlib, json, sys
class Context:
    aws_request_id, function_name = "1", "worker"
    def get_remaining_time_in_millis(self): return 60_000
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
responses = [handler(json.loads(line), Context()) for line in sys.stdin]
print(json.dumps(responses), file=sys.stderr)
"""


@dataclass(frozen=True)
class Stack:
    """A created stack, and clients of its emulated AWS."""

    endpoint: str
    resources: Mapping[str, str]  # physical ids by logical ids

    def client(self, service: Any, credentials: Mapping[str, str] = CREDENTIALS) -> Any:
        keys: Any = {name.lower(): value for name, value in credentials.items() if name != "AWS_DEFAULT_REGION"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **keys)

    def messages(self) -> list[dict[str, Any]]:
        """Receive up to a batch of messages from the queue of the event source mapping."""
        (mapping,) = self.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert mapping["FunctionArn"].split(":")[6] == self.resources["WorkerFunction"]
        queue = self.client("sqs").get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"]
        received = self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=min(mapping["BatchSize"], 10))
        return [
            {"messageId": each["MessageId"], "body": each["Body"], "eventSource": "aws:sqs"}
            for each in received.get("Messages", [])
        ]

    def worker(self) -> "Function":
        found = self.client("lambda").get_function_configuration(FunctionName=self.resources["WorkerFunction"])
        variables = {name: str(value) for name, value in found["Environment"]["Variables"].items()}
        return Function(found["Handler"], {**variables, "AWS_REGION": REGION, "S3_ENDPOINT_URL": self.endpoint})


@dataclass(frozen=True)
class Function:
    """Handler and environment of a created function."""

    handler: str
    environment: Mapping[str, str]

    def invoke(self, *events: Mapping[str, Any], credentials: Mapping[str, str] = CREDENTIALS) -> list[dict[str, Any]]:
        """Handle `events` in one process with only these `credentials`; return the responses."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        completed = subprocess.run(
            [sys.executable, "-c", INVOKE, self.handler],
            cwd=PROJECT,
            env={**inherited, **self.environment, **credentials},
            input="\n".join(map(json.dumps, events)),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert completed.returncode == 0, completed.stderr
        responses: list[dict[str, Any]] = json.loads(completed.stderr.splitlines()[-1])
        return responses


def transformed() -> dict[str, Any]:
    """The template after the SAM transform; a copy, so that a test may change it."""
    return deepcopy(_transformed())


@cache
def _transformed() -> dict[str, Any]:
    (document,) = transformed_for({})
    return document


def transformed_for(*parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """The template after the SAM transform with each set of `parameters`; SAM sees their values on AWS."""
    if not SAM_PYTHON.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    script = PROJECT / "tests" / "support" / "sam_transformation.py"
    completed = subprocess.run(
        [SAM_PYTHON, script, PROJECT / "template.yaml", *map(json.dumps, parameters)],
        env={**os.environ, **CREDENTIALS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    documents: list[dict[str, Any]] = json.loads(completed.stdout)
    return documents


@contextmanager
def created_stack() -> Iterator[Stack]:
    """Create the template's stack in an emulated AWS, without the resources NOT_EMULATED."""
    template = transformed()
    kept = without_aliases(
        {name: each for name, each in template["Resources"].items() if each["Type"] not in NOT_EMULATED}
    )
    with emulated_aws() as port:
        endpoint = f"http://127.0.0.1:{port}"
        httpx2.post(f"{endpoint}/moto-api/reset", timeout=60).raise_for_status()
        httpx2.post(
            f"{endpoint}/moto-api/config", json={"lambda": {"use_docker": False}}, timeout=60
        ).raise_for_status()
        created = Stack(endpoint, {})
        put_package(created.client("s3"))
        formation = created.client("cloudformation")
        formation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps({**template, "Resources": kept}),
            Capabilities=["CAPABILITY_IAM"],
        )
        assert formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        stack = Stack(endpoint, {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found})
        _set_missing_properties(stack, template["Resources"])
        yield stack
        httpx2.post(f"{endpoint}/moto-api/reset", timeout=60).raise_for_status()


def without_aliases(resources: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(resources).replace('FunctionAliaslive"', 'Function"'))
    return document


def put_package(s3: Any) -> None:
    s3.create_bucket(Bucket="packages")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("handler/__init__.py", "")
    s3.put_object(Bucket="packages", Key="package.zip", Body=package.getvalue())


def _set_missing_properties(stack: Stack, resources: Mapping[str, Any]) -> None:
    """Set properties of the template that the emulated CloudFormation ignores."""
    s3, sqs, functions = (stack.client(service) for service in ("s3", "sqs", "lambda"))
    for bucket in ("UploadsBucket", "ResultsBucket"):
        versioning = resources[bucket]["Properties"]["VersioningConfiguration"]
        s3.put_bucket_versioning(Bucket=stack.resources[bucket], VersioningConfiguration=versioning)
    notifications = resources["UploadsBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    s3.put_bucket_notification_configuration(
        Bucket=stack.resources["UploadsBucket"],
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": _arn(sqs, stack.resources[each["Queue"]["Fn::GetAtt"][0]]), "Events": [each["Event"]]}
                for each in notifications
            ]
        },
    )
    # Else it receives the messages for a function that the emulated Lambda does not run.
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _arn(sqs: Any, queue_url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


@contextmanager
def worker_credentials(stack: Stack) -> Iterator[dict[str, str]]:
    """Credentials of the worker's role; meanwhile the emulated AWS enforces IAM policies."""
    name, iam = stack.resources["WorkerFunctionRole"], stack.client("iam")
    # moto fails on attached policies, which are for logs here. It also fails on the documents that its own
    # CloudFormation stored: Python literals in place of JSON, with None for statements that conditions omit.
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = literal_eval(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        document["Statement"] = list(filter(None, document["Statement"]))
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    issued = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="worker")["Credentials"]
    httpx2.post(f"{stack.endpoint}/moto-api/reset-auth", content="0", timeout=60).raise_for_status()
    try:
        yield {
            "AWS_ACCESS_KEY_ID": issued["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": issued["SecretAccessKey"],
            "AWS_SESSION_TOKEN": issued["SessionToken"],
        }
    finally:
        httpx2.post(f"{stack.endpoint}/moto-api/reset-auth", content="inf", timeout=60).raise_for_status()
