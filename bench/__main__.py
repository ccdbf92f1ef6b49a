"""Run benchmarks: `python -m bench [SECTION ...]`; compare saved results: `python -m bench compare BEFORE AFTER`."""

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

from bench import compare, report
from bench.environments import Checkout, checkout
from bench.machine import this_machine
from bench.report import markdown
from bench.results import CannotMeasure, Section

# Each is a module of this package, whose `measure` returns a Section of that name.
SECTIONS: Final = {
    "throughput": "bench.throughput",
    "requests": "bench.requests_in_process",
    "cold_starts": "bench.cold_starts",
    "costs": "bench.costs",
}
_KEPT: Final = ("runtimes",)  # results without code: see the README


class Measure(Protocol):
    """Measures one section. Raises CannotMeasure."""

    def __call__(self, *, quick: bool, against: Checkout | None) -> Section: ...


def load_measure(name: str) -> Measure:
    measure: Measure = importlib.import_module(SECTIONS[name]).measure
    return measure


def main(arguments: list[str], find: Callable[[str], Measure] = load_measure) -> int:
    """Return 0 if every section was measured, 1 if one could not be, or if a figure of a comparison is worse."""
    return _compare(arguments[1:]) if arguments[:1] == ["compare"] else _run(arguments, find)


def _run(arguments: list[str], find: Callable[[str], Measure]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"one of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit beside the working tree, in turns")
    parser.add_argument("--quick", action="store_true", help="smoke test: few repetitions, results not saved")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="save there, and leave the documents alone")
    options = parser.parse_args(arguments)
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}; choose from {', '.join(SECTIONS)}")
    try:
        against = checkout(options.against) if options.against else None
    except CannotMeasure as error:
        parser.error(f"{options.against} cannot be measured: {error}")
    folder = None if options.quick else options.results or report.FOLDER
    measured = [_measured(name, find, against, folder) for name in options.sections or SECTIONS]
    if folder == report.FOLDER:
        report.write_documents(report.read_all((*SECTIONS, *_KEPT)))
    return 0 if all(measured) else 1


def _measured(name: str, find: Callable[[str], Measure], against: Checkout | None, folder: Path | None) -> bool:
    """Measure and save a section; whatever happens in it, the others go on."""
    began = monotonic()
    try:
        section = find(name)(quick=folder is None, against=against)
    except CannotMeasure as error:
        print(f"\n{name} was not measured: {error}.", file=sys.stderr, flush=True)
        return False
    except Exception:  # a fault of this benchmark, or of what it measures
        traceback.print_exc()
        print(f"\n{name} was not measured: it failed, as shown above.", file=sys.stderr, flush=True)
        return False
    for table in section.tables:
        print(f"\n{section.title}: {table.title}\n\n{markdown(table)}", flush=True)
    print("\n".join(["", *section.notes, f"{name} took {monotonic() - began:.0f} s."]), flush=True)
    if folder:
        report.save(section, this_machine(), folder)
    return True


def _compare(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench compare", description=compare.__doc__)
    parser.add_argument("before", type=Path, help="folder or file of results")
    parser.add_argument("after", type=Path)
    parser.add_argument("--all", action="store_true", help="absolute times as well, which depend on the machine's load")
    options = parser.parse_args(arguments)
    try:
        before, after = compare.load(options.before), compare.load(options.after)
    except ValueError as error:
        parser.error(str(error))
    table = compare.compare(before, after, everything=options.all)
    verdicts = [row[-1] for row in table.rows]
    counts = ", ".join(f"{verdicts.count(name)} {name}" for name in ("better", "worse", "noise"))
    print(f"{markdown(table)}\n\n{counts}")
    return int("worse" in verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
