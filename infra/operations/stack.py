"""Look up a deployed stack: its buckets, queues, state machine and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

_RESOURCES: Final = ("ResultsBucket", "UploadsQueue", "DeadLetterQueue", "BackfillStateMachine")


class NoSuchStack(Exception):
    """The stack does not exist, is not a stack of this project, or has no such bucket."""


@dataclass(frozen=True)
class Stack:
    """Resources and parameters of a deployed stack; `uploads_bucket` is the one to work on, if there are several."""

    name: str
    uploads_bucket: str
    results_bucket: str
    queue_url: str
    dead_letter_url: str
    state_machine_arn: str
    memory_mb: int = 1024
    workers: int = 5
    architecture: str = "x86_64"


def describe_stack(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    """CloudFormation's description of the stack `name`, or None if there is none."""
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None


def find_stack(cloudformation: "CloudFormationClient", name: str, bucket: str = "") -> Stack:
    """Describe the stack `name`, for its uploads bucket `bucket` (empty: the first one). Raises NoSuchStack."""
    described = describe_stack(cloudformation, name)
    if described is None:
        region = cloudformation.meta.region_name
        raise NoSuchStack(f"there is no stack {name!r} in {region}; see `aws cloudformation list-stacks`")
    physical_ids = _physical_ids(cloudformation, name)
    missing = [each for each in _RESOURCES if not physical_ids.get(each)]
    if missing:
        raise NoSuchStack(
            f"the stack {name!r} has no {missing[0]}; it does not belong to this project, or is out of date"
        )
    parameters = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}
    buckets = uploads_buckets(physical_ids, parameters)
    if not buckets:
        raise NoSuchStack(f"the stack {name!r} has no uploads bucket; it does not belong to this project")
    if bucket and bucket not in buckets:
        raise NoSuchStack(f"the stack {name!r} does not classify {bucket!r}, but {', '.join(buckets)}")
    return Stack(
        name=name,
        uploads_bucket=bucket or buckets[0],
        results_bucket=physical_ids["ResultsBucket"],
        queue_url=physical_ids["UploadsQueue"],
        dead_letter_url=physical_ids["DeadLetterQueue"],
        state_machine_arn=physical_ids["BackfillStateMachine"],
        memory_mb=int(parameters.get("MemorySize") or Stack.memory_mb),
        workers=int(parameters.get("WorkerConcurrency") or Stack.workers),
        architecture=parameters.get("Architecture") or Stack.architecture,
    )


def uploads_buckets(physical_ids: Mapping[str, str], parameters: Mapping[str, str]) -> list[str]:
    """The existing buckets that a stack listens to, else its own."""
    existing = parameters.get("UploadsBucketNames") or physical_ids.get("UploadsBucket", "")
    return existing.split(",") if existing else []


def resources_of(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    """Physical by logical ids of the stack `name`; none if there is no such stack."""
    return _physical_ids(cloudformation, name) if describe_stack(cloudformation, name) else {}


def _physical_ids(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    return {
        found["LogicalResourceId"]: found.get("PhysicalResourceId", "")
        for page in pages
        for found in page["StackResourceSummaries"]
    }
