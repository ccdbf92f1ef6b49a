"""Classify files one by one and print the results with a summary; an error in one file does not stop the others."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from handler.cli.display import Display
from handler.cli.inputs import Input, read_input
from handler.cli.interruption import Interruption
from handler.cli.output import FileResult, Table, escaped, json_line
from handler.cli.parallel import in_order
from handler.contract import Classification
from handler.errors import RejectedImage


@dataclass(frozen=True)
class ClassifyOptions:
    """How to classify and print: `jobs` threads call `classify`, which may raise OSError or RejectedImage."""

    classify: Callable[[bytes], Classification]
    jobs: int
    max_bytes: int  # of a file
    as_json: bool


def classify_all(inputs: Sequence[Input], options: ClassifyOptions) -> int:
    """Print a result for each file, in order; return 0, 1 if any file failed, or 128 + signal number."""
    started = perf_counter()
    counts: Counter[str] = Counter()
    table = None if options.as_json else Table(each.path for each in inputs)
    with closing(Display(len(inputs))) as display, Interruption() as interruption:
        if table:
            display.print_result(table.header())
        for result in in_order(partial(_classify_file, options), inputs, options.jobs, interruption.requested):
            _print(result, table, display)
            counts[_kind(result)] += 1
    if interruption.requested.is_set() and counts.total() < len(inputs):
        display.print_message(f"interrupted: {counts.total()} of {len(inputs)} files are done")
        return interruption.exit_status
    if len(inputs) > 1:
        display.print_message(_summary(counts, perf_counter() - started))
    return 1 if counts["failed"] else 0


def _classify_file(options: ClassifyOptions, file: Input) -> FileResult:
    return FileResult(file.path, file.error or _outcome(options, file.path))


def _outcome(options: ClassifyOptions, path: str) -> Classification | str:
    try:
        return options.classify(read_input(path, options.max_bytes))
    except OSError as error:
        return error.strerror or str(error)
    except RejectedImage as error:
        return str(error)
    except MemoryError:
        return "there is not enough memory to classify it"


def _print(result: FileResult, table: Table | None, display: Display) -> None:
    display.advance()
    if isinstance(result.outcome, str):
        display.print_message(escaped(f"{result.path}: {result.outcome}"))
    if table is None:
        display.print_result(json_line(result))
    elif isinstance(result.outcome, Classification):
        display.print_result(table.lines(result.path, result.outcome))


def _kind(result: FileResult) -> str:
    if isinstance(result.outcome, str):
        return "failed"
    return "known" if result.outcome.known else "unknown"


def _summary(counts: Counter[str], seconds: float) -> str:
    classified = counts["known"] + counts["unknown"]
    return (
        f"{classified} classified ({counts['unknown']} of them unknown), {counts['failed']} failed,"
        f" in {seconds:.1f} s: {counts.total() / seconds:.1f} images per second"
    )
