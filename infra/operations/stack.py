"""The name of a deployed stack in, what it is made of out: its buckets, queues, state machine and sizes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

_RESOURCES: Final = ("UploadsBucket", "ResultsBucket", "UploadsQueue", "DeadLetterQueue", "BackfillStateMachine")


class NoSuchStack(Exception):
    """There is no such stack here, or it is not one of this project."""


@dataclass(frozen=True)
class Stack:
    """What commands need to know of a deployed stack."""

    name: str
    uploads_bucket: str
    results_bucket: str
    queue_url: str
    dead_letter_url: str
    state_machine_arn: str
    memory_mb: int = 1024
    workers: int = 5
    architecture: str = "x86_64"


def find_stack(cloudformation: "CloudFormationClient", name: str) -> Stack:
    """The stack called `name`. Raises NoSuchStack."""
    try:
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        region = cloudformation.meta.region_name
        raise NoSuchStack(
            f"there is no stack {name!r} in {region}; `aws cloudformation list-stacks` tells them"
        ) from error
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    names = {
        found["LogicalResourceId"]: found.get("PhysicalResourceId", "")
        for page in pages
        for found in page["StackResourceSummaries"]
    }
    missing = [each for each in _RESOURCES if not names.get(each)]
    if missing:
        raise NoSuchStack(f"the stack {name!r} has no {missing[0]}: it is none of this project, or an older one")
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}
    return Stack(
        name=name,
        uploads_bucket=names["UploadsBucket"],
        results_bucket=names["ResultsBucket"],
        queue_url=names["UploadsQueue"],
        dead_letter_url=names["DeadLetterQueue"],
        state_machine_arn=names["BackfillStateMachine"],
        memory_mb=int(given.get("MemorySize") or Stack.memory_mb),
        workers=int(given.get("WorkerConcurrency") or Stack.workers),
        architecture=given.get("Architecture") or Stack.architecture,
    )
