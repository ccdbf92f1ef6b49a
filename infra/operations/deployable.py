"""Check, before a deployment, what would end it later: region, credentials, names, and the state of the stack."""

import re
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.operations.stack import describe_stack

_STACK_NAME: Final = re.compile("[A-Za-z][A-Za-z0-9-]*")  # CloudFormation's
_LONGEST_NAME: Final = 80 - len("-backfill")  # the state machine is named after the stack; Step Functions allows 80
_EMAIL: Final = re.compile("[^@ ]+@[^@ ]+")  # as the template's AlarmEmail

_DELETE: Final = "delete it first: aws cloudformation delete-stack --stack-name {}"

# States of a stack that CloudFormation cannot update, with what helps.
_STUCK: Final = {
    "ROLLBACK_COMPLETE": f"was never created completely; {_DELETE}",
    "ROLLBACK_FAILED": f"was never created completely; {_DELETE}",
    "DELETE_FAILED": f"was not deleted completely; {_DELETE}",
    "UPDATE_ROLLBACK_FAILED": (
        "could not be rolled back; first: aws cloudformation continue-update-rollback --stack-name {}"
    ),
}


class CannotDeploy(Exception):
    """The deployment would fail; the message says why, in one sentence."""


def check_names(stack: str, alarm_email: str) -> None:
    """Raises CannotDeploy if CloudFormation would refuse the stack's name or the address."""
    if not _STACK_NAME.fullmatch(stack):
        raise CannotDeploy(f"STACK={stack!r} is no name of a stack: a letter, then letters, digits and hyphens")
    if len(stack) > _LONGEST_NAME:
        raise CannotDeploy(f"STACK has {len(stack)} characters; at most {_LONGEST_NAME} are possible")
    if alarm_email and not _EMAIL.fullmatch(alarm_email):
        raise CannotDeploy(f"ALARM_EMAIL={alarm_email!r} is no e-mail address")


def check_account(session: boto3.Session, stack: str) -> str:
    """The account and region into which `stack` can be deployed, as text. Raises CannotDeploy."""
    if not session.region_name:
        raise CannotDeploy("no region is set; name one: make deploy AWS_REGION=eu-central-1")
    if session.get_credentials() is None:
        raise CannotDeploy(
            "no AWS credentials were found; sign in, for example with `aws configure` or `aws sso login`"
        )
    try:
        account = session.client("sts").get_caller_identity()["Account"]
        described = describe_stack(session.client("cloudformation"), stack)
    except ClientError as error:
        raise CannotDeploy(f"AWS refused the credentials: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise CannotDeploy(f"AWS could not be reached with these credentials and this region: {error}") from error
    if described:
        check_state(stack, described["StackStatus"])
    return f"account {account}, region {session.region_name}"


def check_state(stack: str, state: str) -> None:
    """Raises CannotDeploy if CloudFormation cannot update a stack in this state; an empty one means no stack."""
    if state in _STUCK:
        raise CannotDeploy(f"the stack {stack!r} {_STUCK[state].format(stack)}")
    if state.endswith("_IN_PROGRESS") and state != "REVIEW_IN_PROGRESS":
        raise CannotDeploy(f"the stack {stack!r} is being changed ({state}); wait until that is done")
