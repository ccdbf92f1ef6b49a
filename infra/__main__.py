"""Commands for a deployed stack: `python -m infra backfill`, `redrive`, `results`; and `capacity`, for any."""

import argparse
import os
import sys
from datetime import UTC, datetime
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.capacity.measurements import write_measurements
from infra.capacity.prices import read_prices
from infra.capacity.sheet import SHEET, sheet
from infra.emulation.names import CREDENTIALS
from infra.operations.backfill import Backfill, CannotBackfill
from infra.operations.redrive import redrive
from infra.operations.results import READS_AT_ONCE, documents
from infra.operations.stack import NoSuchStack, Stack, find_stack

_INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it


def main() -> int:
    """0 if all is done, 1 if something is left, 2 if it could not start, 130 after Ctrl-C."""
    arguments = _arguments()
    try:
        status: int = arguments.command(arguments)
    except (NoSuchStack, CannotBackfill, ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True)
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", required=True, help="the name of the deployed stack")
    stack.add_argument("--region", help="where it is (default: the environment's)")
    stack.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two looks (default: 5)")

    backfill = commands.add_parser("backfill", parents=[stack], help="classify what is in the bucket already")
    backfill.add_argument("--prefix", default="", help="only keys that begin so")
    which = backfill.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="also what has a result: after a change of the model, say")
    which.add_argument("--inventory", metavar="S3_ADDRESS", help="what a manifest.json of S3 Inventory names")
    which.add_argument("--follow", metavar="RUN", help="start nothing; show the progress of that run")
    backfill.set_defaults(command=_backfill)

    again = commands.add_parser("redrive", parents=[stack], help="bring the dead-letter queue's messages back")
    again.set_defaults(command=_redrive)

    results = commands.add_parser("results", parents=[stack], help="print all results, one JSON object a line")
    results.add_argument(
        "--since", type=_day, metavar="DAY", help="only those written since that day, 2026-01-31 (UTC)"
    )
    results.set_defaults(command=_results)

    capacity = commands.add_parser("capacity", help=f"measure, and write {SHEET.name}")
    capacity.set_defaults(command=_capacity)
    return parser.parse_args()


def _backfill(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    stack = _stack(session, arguments)
    backfill = Backfill(stack, session.client("s3"), session.client("sqs"), session.client("stepfunctions"), _say)
    if arguments.follow:
        run = backfill.take_up(arguments.follow)
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
        _say(f"it goes on; to see how far it is: python -m infra backfill --stack {stack.name} --follow {run.name}")
        raise


def _redrive(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    return redrive(_stack(session, arguments), session.client("sqs"), _say)


def _results(arguments: argparse.Namespace) -> int:
    session = boto3.Session(region_name=arguments.region)
    s3 = session.client("s3", config=Config(max_pool_connections=READS_AT_ONCE))
    for document in documents(s3, _stack(session, arguments).results_bucket, arguments.since):
        print(document)
    return 0


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _capacity(_arguments: argparse.Namespace) -> int:
    from infra.capacity.measure import KINDS, measure  # noqa: PLC0415  the emulation is not there where only boto3 is

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # it is all about an emulated AWS
    os.environ.update(CREDENTIALS)
    measured = measure(dict.fromkeys(KINDS, 20))
    write_measurements(measured)
    SHEET.write_text(sheet(measured, read_prices()), encoding="utf-8")
    _say(f"{SHEET} is written")
    return 0


def _stack(session: boto3.Session, arguments: argparse.Namespace) -> Stack:
    return find_stack(session.client("cloudformation"), arguments.stack)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
