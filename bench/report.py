"""Save the results of sections as JSON, and write them as tables into bench/README.md and docs/results.md."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench import targets
from bench.environments import PROJECT
from bench.machine import Machine
from bench.results import Cell, Figure, Section, Table, number

FOLDER: Final = Path(__file__).with_name("results")
README: Final = Path(__file__).with_name("README.md")
_RESULTS: Final = PROJECT / "docs" / "results.md"
_BEGIN, _END = "<!-- written by make bench: {} -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Saved:
    """A section as read from its file."""

    section: Section
    machine: Machine


def save(section: Section, machine: Machine, folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": asdict(machine), "section": asdict(section)}
    (folder / f"{section.name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Saved:
    """Raises ValueError for other files."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        section, machine = document["section"], document["machine"]
        tables = tuple(Table(**each) for each in section.pop("tables"))
        figures = tuple(Figure(**{**each, "samples": tuple(each["samples"])}) for each in section.pop("figures"))
        return Saved(Section(**section, tables=tables, figures=figures), Machine(**machine))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no benchmark results") from error


def read_all(order: Sequence[str], folder: Path = FOLDER) -> list[Saved]:
    """Read the sections that were ever measured, in `order`."""
    paths = [folder / f"{name}.json" for name in order]
    return [read(path) for path in paths if path.exists()]


def write_documents(saved: Sequence[Saved], readme: Path = README, results: Path = _RESULTS) -> None:
    """Write all sections into the README, and the table of targets into both documents."""
    table = markdown(targets.table(figures(saved)))
    _replace(readme, "targets", table)
    _replace(readme, "sections", "\n\n".join(_part(each) for each in saved))
    _replace(results, "targets", table)


def figures(saved: Iterable[Saved]) -> list[Figure]:
    return [figure for each in saved for figure in each.section.figures]


def markdown(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *([_text(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _replace(path: Path, name: str, content: str) -> None:
    """Replace what stands between the two comments of `name`."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{path} lacks the comments of {name!r}")
    path.write_text(f"{before}{begin}{content}\n{end}{after}", encoding="utf-8")


def _part(saved: Saved) -> str:
    section = saved.section
    versions = ", ".join(f"{name} {version}" for name, version in section.versions.items())
    parts = [f"## {section.title}", " ".join([*section.method, saved.machine.sentence, f"{versions}."])]
    for table in section.tables:
        parts += [f"**{table.title}**", markdown(table)]
    notes = "\n".join(f"- {note}" for note in section.notes)
    return "\n\n".join([*parts, *filter(None, [notes])])


def _text(cell: Cell) -> str:
    if cell is None:
        return "not measured"
    return number(cell) if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell
