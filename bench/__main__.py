"""`python -m bench [SECTION ...]`: measure, print the tables, and keep what was measured in bench/results/."""

import argparse
import importlib
import sys
from typing import Final

from bench.machine import this_machine
from bench.report import FOLDER, keep, markdown, write_document

# Each is a module here, whose `measure(quick)` returns a Section.
SECTIONS: Final = ("targets", "inference", "cold_starts", "throughput", "costs", "growth")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"one of {', '.join(SECTIONS)}; without: all")
    parser.add_argument("--quick", action="store_true", help="few repetitions, and nothing is kept: does it run?")
    options = parser.parse_args(arguments)
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in options.sections or SECTIONS:
        section = importlib.import_module(f"bench.{name}").measure(quick=options.quick)
        for table in section.tables:
            print(f"\n{section.title}: {table.title}\n\n{markdown(table)}", flush=True)
        if not options.quick:
            keep(section, this_machine())
    if not options.quick:
        write_document(SECTIONS)
        print(f"\nKept in {FOLDER}")


if __name__ == "__main__":
    main(sys.argv[1:])
