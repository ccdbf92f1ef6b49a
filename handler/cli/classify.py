"""Classify files one by one and print the results with a summary; an error in one file does not stop the others."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Final

from handler.cli.display import Display
from handler.cli.errors import Unusable
from handler.cli.inputs import Found, Input, read_input
from handler.cli.interruption import Interruption
from handler.cli.output import Csv, FileResult, Format, JsonLines, Table, escaped
from handler.cli.parallel import in_order
from handler.cli.watch import FolderGone, arrivals
from handler.contract import Classification
from handler.errors import RejectedImage

CANNOT_RUN: Final = 2  # exit status
_NAMED_KINDS: Final = 5
_ROOM_FOR_NAMES: Final = "/" + "n" * 23  # in the table of files that are not known yet


@dataclass(frozen=True)
class ClassifyOptions:
    """How to classify and print: `jobs` threads call `classify`, which may raise OSError, RejectedImage or Unusable."""

    classify: Callable[[bytes], Classification]
    jobs: int
    max_bytes: int  # of a file
    output: str = "table"  # or "json" or "csv"
    quiet: bool = False
    confident_threshold: float | None = None  # in place of that of the model card, or of the server


@dataclass(frozen=True)
class _Stop(FileResult):
    """The result of a file that shows that no other file can be classified, either."""


def classify_all(found: Found, options: ClassifyOptions) -> int:
    """Print a result for each file, in order; return 0, 1 if any failed, 2 if none can, or 128 + signal number."""
    total = len(found.inputs)
    form = _format(options.output, [each.path for each in found.inputs])
    with closing(Display(0 if options.quiet else total)) as display, Interruption() as interruption:
        progress = _Progress(form, display)
        progress.run(found.inputs, options, interruption)
    if progress.is_stopped:
        display.print_message(f"stopped: {progress.done} of {total} files are done")
        return CANNOT_RUN
    if interruption.exit_status and progress.done < total:
        display.print_message(f"interrupted: {progress.done} of {total} files are done")
        return interruption.exit_status
    if not options.quiet and (total > 1 or found.skipped):
        display.print_message(progress.summary(found.skipped))
    return 1 if progress.counts["failed"] else 0


def watch(folder: str, options: ClassifyOptions, *, existing: bool) -> int:
    """Print a result for each file that arrives, until a signal; return 0, 1 if any failed, 2 if it cannot go on."""
    form = _format(options.output, [folder + _ROOM_FOR_NAMES])
    with closing(Display(0)) as display, Interruption() as interruption:
        progress = _Progress(form, display)
        try:
            batches = arrivals(folder, interruption.requested, existing=existing)
            if not options.quiet:
                display.print_message(escaped(f"watching {folder}; stop with Ctrl-C"))
            for files in batches:
                progress.run(files, options, interruption)
        except FolderGone as error:
            display.print_message(escaped(str(error)))
            return CANNOT_RUN
    if not options.quiet:
        display.print_message(progress.summary(Counter()))
    if progress.is_stopped:
        return CANNOT_RUN
    return 1 if progress.counts["failed"] else 0


class _Progress:
    """Prints results, and counts them."""

    def __init__(self, form: Format, display: Display) -> None:
        self._form, self._display = form, display
        self._started = perf_counter()
        self.counts: Counter[str] = Counter()
        self.is_stopped = False
        if (header := form.header()) is not None:
            display.print_result(header)

    @property
    def done(self) -> int:
        return self.counts.total()

    def run(self, inputs: Iterable[Input], options: ClassifyOptions, interruption: Interruption) -> None:
        """Classify `inputs`; once none can be classified, only what is finished is printed."""
        for result in in_order(partial(_classify_file, options), inputs, options.jobs, interruption.requested):
            if isinstance(result, _Stop):
                if not self.is_stopped:
                    self._display.print_message(escaped(str(result.outcome)))
                self.is_stopped = True
                interruption.requested.set()
            else:
                self._print(result)
                self.counts[_kind(result)] += 1

    def summary(self, skipped: Counter[str]) -> str:
        seconds, counts = perf_counter() - self._started, self.counts
        classified = counts["known"] + counts["unknown"]
        return (
            f"{classified} classified ({counts['unknown']} of them unknown), {counts['failed']} failed,"
            f"{_skipped_text(skipped)} in {seconds:.1f} s: {counts.total() / seconds:.1f} images per second"
        )

    def _print(self, result: FileResult) -> None:
        self._display.advance()
        if isinstance(result.outcome, str):
            self._display.print_message(escaped(f"{result.path}: {result.outcome}"))
        if (lines := self._form.lines(result)) is not None:
            self._display.print_result(lines)


def _format(name: str, paths: Iterable[str]) -> Format:
    match name:
        case "json":
            return JsonLines()
        case "csv":
            return Csv()
        case _:
            return Table(paths)


def _classify_file(options: ClassifyOptions, file: Input) -> FileResult:
    try:
        return FileResult(file.path, file.error or _outcome(options, file.path))
    except Unusable as error:
        return _Stop(file.path, str(error))


def _outcome(options: ClassifyOptions, path: str) -> Classification | str:
    try:
        return _judged(options.classify(read_input(path, options.max_bytes)), options.confident_threshold)
    except Unusable:
        raise
    except OSError as error:
        return error.strerror or str(error)
    except RejectedImage as error:
        return str(error)
    except MemoryError:
        return "there is not enough memory to classify it"


def _judged(classification: Classification, threshold: float | None) -> Classification:
    if threshold is None:
        return classification
    is_confident = classification.known and classification.predictions[0].score >= threshold
    return replace(classification, confident=is_confident)


def _kind(result: FileResult) -> str:
    if isinstance(result.outcome, str):
        return "failed"
    return "known" if result.outcome.known else "unknown"


def _skipped_text(skipped: Counter[str]) -> str:
    if not skipped:
        return ""
    named = [f"{count} {kind}" for kind, count in skipped.most_common(_NAMED_KINDS)]
    more = ["..."] if len(skipped) > _NAMED_KINDS else []
    return f" {skipped.total()} skipped ({escaped(', '.join(named + more))}),"
