"""Operate a deployed stack: adopt buckets, backfill, redrive, read results. Also estimate capacity and cost."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.capacity.bill import THREAT_MODEL, with_bill
from infra.capacity.measurements import write_measurements
from infra.capacity.prices import read_prices
from infra.capacity.report import REPORT, report
from infra.emulation.names import CREDENTIALS
from infra.operations.adopt import Bucket, CannotAdopt
from infra.operations.backfill import Backfill, CannotBackfill
from infra.operations.corrections import download_corrections
from infra.operations.deployable import CannotDeploy, check_account, check_names
from infra.operations.redrive import redrive
from infra.operations.results import READ_CONCURRENCY, documents
from infra.operations.stack import NoSuchStack, Stack, find_stack, resources_of

_STACK: Final = "clothes-classifier"  # as in the Makefile
_INTERRUPTED: Final = 130  # 128 + SIGINT, the convention of shells


def main() -> int:
    """Exit status: 0 if complete, 1 if something is left, 2 if it could not start, 130 after Ctrl-C."""
    arguments = _arguments()
    try:
        status: int = arguments.command(arguments)
    except (NoSuchStack, CannotAdopt, CannotBackfill, CannotDeploy, ClientError, BotoCoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True)
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", required=True, help="name of the deployed stack")
    stack.add_argument("--region", help="region of the stack (default: from the environment)")
    stack.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="polling interval (default: 5)")

    backfill = commands.add_parser("backfill", parents=[stack], help="classify objects that are already in the bucket")
    backfill.add_argument("--bucket", default="", help="one of the stack's existing buckets (default: the first)")
    backfill.add_argument("--prefix", default="", help="only keys with this prefix")
    which = backfill.add_mutually_exclusive_group()
    which.add_argument(
        "--all", action="store_true", help="also objects that have a result, for example after a change of the model"
    )
    which.add_argument(
        "--inventory", metavar="S3_ADDRESS", help="the objects of an S3 Inventory, given by its manifest.json"
    )
    which.add_argument("--follow", metavar="RUN", help="show the progress of a run that is already started")
    backfill.set_defaults(command=_backfill)

    existing = argparse.ArgumentParser(add_help=False)
    existing.add_argument("bucket", help="name of the existing bucket")
    existing.add_argument("--dry-run", action="store_true", help="only say what would be changed")
    existing.add_argument("--stack", default=_STACK, help=f"name of the stack that listens (default: {_STACK})")
    existing.add_argument("--region", help="region of bucket and stack (default: from the environment)")
    adopt = commands.add_parser(
        "adopt", parents=[existing], help="let a bucket send its events; its own notifications stay as they are"
    )
    adopt.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin post forms to the bucket",
    )
    adopt.set_defaults(command=_adopt)
    release = commands.add_parser("release", parents=[existing], help="undo `adopt`, unless other rules listen, too")
    release.set_defaults(command=_release)

    again = commands.add_parser(
        "redrive", parents=[stack], help="move the messages of the dead-letter queue back to the queue"
    )
    again.set_defaults(command=_redrive)

    results = commands.add_parser("results", parents=[stack], help="print all results as JSON lines")
    results.add_argument(
        "--since", type=_day, metavar="DAY", help="only results written since this day (UTC), such as 2026-01-31"
    )
    results.set_defaults(command=_results)

    corrections = commands.add_parser(
        "corrections",
        parents=[stack],
        help="download visitors' corrections, one folder per class; again: new ones only",
    )
    corrections.add_argument(
        "folder", type=Path, metavar="FOLDER", help="such as data/corrections, where `model_build` looks for them"
    )
    corrections.set_defaults(command=_corrections)

    deployable = commands.add_parser("deployable", help="check what would end a deployment; `make deploy` calls it")
    deployable.add_argument("--stack", required=True, help="name of the stack to deploy")
    deployable.add_argument("--alarm-email", default="", help="address that receives alarms")
    deployable.set_defaults(command=_deployable)

    capacity = commands.add_parser("capacity", help=f"measure the worker, and write {REPORT.name}")
    capacity.set_defaults(command=_capacity)

    bill = commands.add_parser("bill", help=f"estimate the cost of an attack, and write it to {THREAT_MODEL.name}")
    bill.set_defaults(command=_bill)
    return parser.parse_args()


def _backfill(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    stack = _stack(session, arguments)
    backfill = Backfill(stack, session.client("s3"), session.client("sqs"), session.client("stepfunctions"), _say)
    if arguments.follow:
        run = backfill.resume(arguments.follow)
    elif arguments.inventory:
        run = backfill.start_inventory(arguments.inventory)
    elif arguments.all:
        run = backfill.start_listing(arguments.prefix)
    elif not (started := backfill.start_missing(arguments.prefix)):
        return 0
    else:
        run = started
    try:
        return backfill.follow(run, arguments.every)
    except KeyboardInterrupt:
        _say(f"the run continues; to follow it: python -m infra backfill --stack {stack.name} --follow {run.name}")
        raise


def _adopt(arguments: argparse.Namespace) -> int:
    bucket = _bucket(arguments)
    bucket.adopt(arguments.cors)
    if arguments.bucket not in _listened_to(arguments):
        _say(f"next: make deploy STACK={arguments.stack} BUCKETS={arguments.bucket}, so that the stack listens to it")
    return 0


def _release(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    physical_ids = resources_of(session.client("cloudformation"), arguments.stack)
    _bucket(arguments).release({physical_ids.get("ExistingUploads", "").rpartition("/")[2]})
    return 0


def _bucket(arguments: argparse.Namespace) -> Bucket:
    session = boto3.Session(region_name=arguments.region)
    return Bucket(arguments.bucket, session.client("s3"), session.client("events"), _say, arguments.dry_run)


def _listened_to(arguments: argparse.Namespace) -> list[str]:
    cloudformation = boto3.Session(region_name=arguments.region).client("cloudformation")
    try:
        return [find_stack(cloudformation, arguments.stack, arguments.bucket).uploads_bucket]
    except NoSuchStack:
        return []


def _redrive(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    return redrive(_stack(session, arguments), session.client("sqs"), _say)


def _results(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    s3 = session.client("s3", config=Config(max_pool_connections=READ_CONCURRENCY))
    for document in documents(s3, _stack(session, arguments).results_bucket, arguments.since):
        print(document)
    return 0


def _corrections(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    s3 = session.client("s3", config=Config(max_pool_connections=READ_CONCURRENCY))
    count = download_corrections(s3, _stack(session, arguments).results_bucket, arguments.folder)
    _say(f"{count.stored} corrections, {count.downloaded} of them new, are in {arguments.folder}")
    return 0


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _deployable(arguments: argparse.Namespace) -> int:
    check_names(arguments.stack, arguments.alarm_email)
    _say(f"deploying {arguments.stack} to {check_account(boto3.Session(), arguments.stack)}")
    return 0


def _capacity(_arguments: argparse.Namespace) -> int:
    from infra.capacity.measure import KINDS, measure  # noqa: PLC0415  needs moto, which the other commands do not

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # only the emulated AWS may be reached
    os.environ.update(CREDENTIALS)
    measured = measure(dict.fromkeys(KINDS, 20))
    write_measurements(measured)
    REPORT.write_text(report(measured, read_prices()), encoding="utf-8")
    _say(f"wrote {REPORT}")
    return 0


def _bill(_arguments: argparse.Namespace) -> int:
    THREAT_MODEL.write_text(with_bill(THREAT_MODEL.read_text(encoding="utf-8")), encoding="utf-8")
    _say(f"wrote {THREAT_MODEL}")
    return 0


def _stack(session: boto3.Session, arguments: argparse.Namespace) -> Stack:
    return find_stack(session.client("cloudformation"), arguments.stack, getattr(arguments, "bucket", ""))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
