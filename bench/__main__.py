"""Run benchmarks: `python -m bench [SECTION ...]` prints tables and saves the results in bench/results/."""

import argparse
import importlib
import sys
from collections.abc import Callable
from typing import Final, Protocol

from bench.machine import this_machine
from bench.report import FOLDER, markdown, save, write_report
from bench.sections import CannotMeasure, Section

# Each is a module of this package, whose `measure(quick=...)` returns a Section.
SECTIONS: Final = ("targets", "inference", "cold_starts", "throughput", "costs", "growth")


class Measure(Protocol):
    """Measures one section. Raises CannotMeasure."""

    def __call__(self, *, quick: bool) -> Section: ...


def load_measure(name: str) -> Measure:
    """Import the module of section `name`; the other sections' dependencies need not be installed."""
    measure: Measure = importlib.import_module(f"bench.{name}").measure
    return measure


def main(arguments: list[str], find: Callable[[str], Measure] = load_measure) -> int:
    """Return 0 if every section was measured, 1 if one could not be."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"one of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="smoke test: few repetitions, results not saved")
    options = parser.parse_args(arguments)
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}; choose from {', '.join(SECTIONS)}")
    measured = [_measured(name, find(name), quick=options.quick) for name in options.sections or SECTIONS]
    if not options.quick:
        write_report(SECTIONS)
        print(f"\nSaved in {FOLDER}")
    return 0 if all(measured) else 1


def _measured(name: str, measure: Measure, *, quick: bool) -> bool:
    try:
        section = measure(quick=quick)
    except CannotMeasure as error:
        print(f"\n{name} was skipped: {error}", file=sys.stderr)
        return False
    for table in section.tables:
        print(f"\n{section.title}: {table.title}\n\n{markdown(table)}", flush=True)
    for note in section.notes:
        print(f"\n{note}", flush=True)
    if not quick:
        save(section, this_machine())
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
