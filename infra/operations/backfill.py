"""Start and follow a backfill: classify the objects that are already in a stack's uploads bucket."""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from infra.capacity.costs import Worker, dollars
from infra.capacity.measurements import read_measurements
from infra.capacity.prices import read_prices
from infra.operations.missing import BATCH, Missing, write_manifest
from infra.operations.queues import visible_in, waiting_in
from infra.operations.stack import Stack

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

_EMPTY_IN_A_ROW: Final = 12  # polls of the queue; SQS counts may lag by a minute


class CannotBackfill(Exception):
    """The backfill cannot be started or followed."""


@dataclass(frozen=True)
class Run:
    """An execution of the state machine: its name and its input."""

    name: str
    source: str  # manifest, listing or inventory
    prefix: str
    bucket: str  # of the objects
    objects: int | None  # to be sent; None if only the state machine knows
    dead_before: int  # messages in the dead-letter queue at the start


@dataclass(frozen=True)
class Progress:
    """Progress of a run. `results` estimates the results: sent, and neither waiting nor dead."""

    status: str
    sent: int
    waiting: int
    dead: int
    dollars: float

    @property
    def results(self) -> int:
        return max(0, self.sent - self.waiting - self.dead)


class Backfill:
    """Backfill of one stack. `say` is called with each line of the progress report."""

    def __init__(
        self, stack: Stack, s3: "S3Client", sqs: "SQSClient", sfn: "SFNClient", say: Callable[[str], None]
    ) -> None:
        self._stack, self._s3, self._sqs, self._sfn, self._say = stack, s3, sqs, sfn, say
        self._worker = Worker(stack.memory_mb, stack.architecture)
        self._prices, self._measured = read_prices(), read_measurements()

    def start_missing(self, prefix: str) -> Run | None:
        """Send all objects without a result. None if every object has one."""
        name = _new_name()
        missing = Missing(self._s3, self._stack.uploads_bucket, self._stack.results_bucket, prefix)
        with tempfile.TemporaryFile() as manifest:
            write_manifest(missing, manifest)
            found = missing.comparison
            self._say(f"{found.objects - found.missing:,} of {found.objects:,} objects have a result")
            if not found.missing:
                return None
            manifest.seek(0)
            key = f"backfill/{name}/missing.json"
            self._s3.upload_fileobj(manifest, self._stack.results_bucket, key)
        return self._start(
            Run(name, "manifest", prefix, self._stack.uploads_bucket, found.missing, self._dead()), manifest=key
        )

    def start_listing(self, prefix: str) -> Run:
        """Send all objects below `prefix`."""
        return self._start(Run(_new_name(), "listing", prefix, self._stack.uploads_bucket, None, self._dead()))

    def start_inventory(self, address: str) -> Run:
        """Send all objects of an S3 Inventory; `address` is the s3://BUCKET/KEY of its manifest.json."""
        parts = urlsplit(address)
        bucket, key = parts.netloc, parts.path.removeprefix("/")
        if parts.scheme != "s3" or bucket != self._stack.results_bucket or not key.startswith("inventory/"):
            raise CannotBackfill(
                f"the state machine can read an S3 Inventory only below "
                f"s3://{self._stack.results_bucket}/inventory/, got {address!r}"
            )
        run = Run(_new_name(), "inventory", "", self._stack.uploads_bucket, None, self._dead())
        return self._start(run, inventory={"bucket": bucket, "key": key})

    def resume(self, name: str) -> Run:
        """The run `name`, started earlier. Raises CannotBackfill if there is none."""
        try:
            run_input = json.loads(self._sfn.describe_execution(executionArn=self._execution(name))["input"])
        except (self._sfn.exceptions.ExecutionDoesNotExist, self._sfn.exceptions.InvalidArn) as error:
            raise CannotBackfill(f"there is no run {name!r} of {self._stack.state_machine_arn}") from error
        return Run(**{field.name: run_input[field.name] for field in fields(Run)})

    def follow(self, run: Run, every_seconds: float) -> int:
        """Report progress until the run is complete. Returns 0 if every object has a result, else 1."""
        empty, last = 0, ""
        while empty < _EMPTY_IN_A_ROW:
            progress = self.progress(run)
            if (line := self._line(run, progress)) != last:
                self._say(line)
                last = line
            if progress.status not in ("RUNNING", "SUCCEEDED"):
                return self._report_failure(run, progress)
            empty = empty + 1 if progress.status == "SUCCEEDED" and not progress.waiting else 0
            time.sleep(every_seconds)
        return self._conclude(run)

    def progress(self, run: Run) -> Progress:
        """The current progress of `run`."""
        execution = self._execution(run.name)
        sent = self._sent(run, execution)
        waiting, dead = waiting_in(self._sqs, self._stack.queue_url), max(0, self._dead() - run.dead_before)
        done = max(0, sent - waiting - dead)
        cost = dollars(done, self._measured.typical_cpu_seconds, self._worker, self._prices).total
        return Progress(self._sfn.describe_execution(executionArn=execution)["status"], sent, waiting, dead, cost)

    def _start(self, run: Run, **more: Any) -> Run:
        run_input = json.dumps(asdict(run) | more)
        self._sfn.start_execution(stateMachineArn=self._stack.state_machine_arn, name=run.name, input=run_input)
        what = "the objects" if run.objects is None else f"{run.objects:,} objects"
        self._say(f"run {run.name} sends {what} to the queue")
        return run

    def _execution(self, name: str) -> str:
        return f"{self._stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def _sent(self, run: Run, execution: str) -> int:
        maps = self._sfn.list_map_runs(executionArn=execution)["mapRuns"]
        succeeded = sum(
            self._sfn.describe_map_run(mapRunArn=each["mapRunArn"])["itemCounts"]["succeeded"] for each in maps
        )
        # An item of a manifest is a batch of objects; of a listing or an inventory, one object.
        return succeeded if run.objects is None else min(run.objects, succeeded * BATCH)

    def _dead(self) -> int:
        return visible_in(self._sqs, self._stack.dead_letter_url)

    def _line(self, run: Run, progress: Progress) -> str:
        total = "" if run.objects is None else f" of {run.objects:,}"
        return (
            f"sent {progress.sent:,}{total}, results {progress.results:,}, waiting {progress.waiting:,}, "
            f"dead {progress.dead:,}, about ${progress.dollars:.2f} so far (prices of {self._prices.looked_up})"
        )

    def _report_failure(self, run: Run, progress: Progress) -> int:
        described = self._sfn.describe_execution(executionArn=self._execution(run.name))
        self._say(f"the run is {progress.status}: {described.get('error', '')} {described.get('cause', '')}".strip())
        self._say("messages already sent are still processed; start a new run for the rest")
        return 1

    def _conclude(self, run: Run) -> int:
        if run.source == "inventory":
            return 0
        found = Missing(self._s3, run.bucket, self._stack.results_bucket, run.prefix).compare()
        self._say(f"{found.objects - found.missing:,} of {found.objects:,} objects have a result")
        if found.missing:
            self._say("check the dead-letter queue, and retry it with `python -m infra redrive`, or start a new run")
        return 1 if found.missing else 0


def _new_name() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{token_hex(2)}"
