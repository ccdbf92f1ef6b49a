"""Files in, a line for each and a summary out: whatever happens to one file leaves the others alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from handler.cli.display import Display
from handler.cli.inputs import Source, content_of
from handler.cli.interruption import Interruption
from handler.cli.output import Row, Table, json_line, printable
from handler.cli.parallel import in_order
from handler.contract import Classification
from handler.errors import RejectedImage


@dataclass(frozen=True)
class Plan:
    """How files are classified: by `classify`, which `jobs` threads call; it may raise OSError or RejectedImage."""

    classify: Callable[[bytes], Classification]
    jobs: int
    max_bytes: int  # of a file
    as_json: bool


def classify_all(sources: Sequence[Source], plan: Plan) -> int:
    """Prints what each file shows, in their order; returns 0, 1 if any failed, or 128 and a signal's number."""
    started = perf_counter()
    counts: Counter[str] = Counter()
    table = None if plan.as_json else Table(source.path for source in sources)
    with closing(Display(len(sources))) as display, Interruption() as interruption:
        if table:
            display.result(table.header())
        for row in in_order(partial(_row, plan), sources, plan.jobs, interruption.requested):
            _show(row, table, display)
            counts[_kind(row)] += 1
    if interruption.requested.is_set() and counts.total() < len(sources):
        display.remark(f"interrupted: {counts.total()} of {len(sources)} files are done")
        return interruption.exit_status
    if len(sources) > 1:
        display.remark(_summary(counts, perf_counter() - started))
    return 1 if counts["failed"] else 0


def _row(plan: Plan, source: Source) -> Row:
    return Row(source.path, source.problem or _outcome(plan, source.path))


def _outcome(plan: Plan, path: str) -> Classification | str:
    try:
        return plan.classify(content_of(path, plan.max_bytes))
    except OSError as error:
        return error.strerror or str(error)
    except RejectedImage as error:
        return str(error)
    except MemoryError:
        return "there is not enough memory for it"


def _show(row: Row, table: Table | None, display: Display) -> None:
    display.advance()
    if isinstance(row.outcome, str):
        display.remark(printable(f"{row.path}: {row.outcome}"))
    if table is None:
        display.result(json_line(row))
    elif isinstance(row.outcome, Classification):
        display.result(table.lines(row.path, row.outcome))


def _kind(row: Row) -> str:
    if isinstance(row.outcome, str):
        return "failed"
    return "known" if row.outcome.known else "unknown"


def _summary(counts: Counter[str], seconds: float) -> str:
    classified = counts["known"] + counts["unknown"]
    return (
        f"{classified} classified ({counts['unknown']} of them unknown), {counts['failed']} failed,"
        f" in {seconds:.1f} s: {counts.total() / seconds:.1f} pictures a second"
    )
